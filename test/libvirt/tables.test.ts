import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as libvirt from '../../src/libvirt/index.ts';
import type { Procedure } from '../../src/libvirt/index.ts';

/** Names of all procedures by number, as the Debian package of the daemon lists them for tracing. */
const TAPSET = '/usr/share/systemtap/tapset/libvirt_functions.stp';
const REMOTE_PROGRAM = 0x20008086;

/** The packaged binding knows every constant by its C name. */
const PYTHON = '/usr/bin/python3';

const procedures: readonly (readonly [string, Procedure<never, unknown>])[] = Object.entries(
  libvirt,
).flatMap(([key, value]) => (isProcedure(value) ? [[key, value] as const] : []));

const sets = [
  libvirt.DomainEvent,
  libvirt.NetworkEvent,
  libvirt.StoragePoolEvent,
  libvirt.NodeDeviceEvent,
  libvirt.SecretEvent,
];
interface Row {
  readonly name: string;
  readonly number: number;
}

interface Kind {
  readonly name: string;
  readonly message: number;
  readonly source: { readonly register: Row; readonly deregister: Row };
}

const kinds = sets.flatMap((set): readonly Kind[] => Object.values(set));

/** What libvirt calls each set of constants; members in camel case follow the prefix in capitals. */
const CONSTANTS: readonly (readonly [string, string])[] = [
  ['ErrorCode', 'VIR_ERR_'],
  ['ErrorDomain', 'VIR_FROM_'],
  ['DomainListFlag', 'VIR_CONNECT_LIST_DOMAINS_'],
  ['DomainStats', 'VIR_DOMAIN_STATS_'],
  ['DomainStatsFlag', 'VIR_CONNECT_GET_ALL_DOMAINS_STATS_'],
  ['DomainState', 'VIR_DOMAIN_'],
  ['DomainRunningReason', 'VIR_DOMAIN_RUNNING_'],
  ['DomainPausedReason', 'VIR_DOMAIN_PAUSED_'],
  ['DomainShutoffReason', 'VIR_DOMAIN_SHUTOFF_'],
  ['DomainAffect', 'VIR_DOMAIN_AFFECT_'],
  ['TypedParamFlag', 'VIR_TYPED_PARAM_'],
  ['DomainCreateFlag', 'VIR_DOMAIN_START_'],
  ['DomainDefineFlag', 'VIR_DOMAIN_DEFINE_'],
  ['DomainXmlFlag', 'VIR_DOMAIN_XML_'],
  ['DomainUndefineFlag', 'VIR_DOMAIN_UNDEFINE_'],
  ['DomainDestroyFlag', 'VIR_DOMAIN_DESTROY_'],
  ['DomainShutdownFlag', 'VIR_DOMAIN_SHUTDOWN_'],
  ['DomainRebootFlag', 'VIR_DOMAIN_REBOOT_'],
  ['DomainDeviceFlag', 'VIR_DOMAIN_DEVICE_MODIFY_'],
  ['DomainVcpuFlag', 'VIR_DOMAIN_VCPU_'],
  ['DomainMemFlag', 'VIR_DOMAIN_MEM_'],
  ['DomainMemoryStat', 'VIR_DOMAIN_MEMORY_STAT_'],
  ['DomainNumatuneMode', 'VIR_DOMAIN_NUMATUNE_MEM_'],
  ['DomainMetadataType', 'VIR_DOMAIN_METADATA_'],
  ['DomainConsoleFlag', 'VIR_DOMAIN_CONSOLE_'],
  ['VcpuState', 'VIR_VCPU_'],
  ['DomainInterfaceAddressSource', 'VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_'],
  ['DomainEventType', 'VIR_DOMAIN_EVENT_'],
  ['DomainEventDefinedDetail', 'VIR_DOMAIN_EVENT_DEFINED_'],
  ['DomainEventUndefinedDetail', 'VIR_DOMAIN_EVENT_UNDEFINED_'],
  ['DomainEventStartedDetail', 'VIR_DOMAIN_EVENT_STARTED_'],
  ['DomainEventSuspendedDetail', 'VIR_DOMAIN_EVENT_SUSPENDED_'],
  ['DomainEventResumedDetail', 'VIR_DOMAIN_EVENT_RESUMED_'],
  ['DomainEventStoppedDetail', 'VIR_DOMAIN_EVENT_STOPPED_'],
  ['DomainLifecycle', 'VIR_DOMAIN_LIFECYCLE_'],
  ['DomainLifecycleAction', 'VIR_DOMAIN_LIFECYCLE_ACTION_'],
  ['DomainSaveFlag', 'VIR_DOMAIN_SAVE_'],
  ['DomainSaveParam', 'VIR_DOMAIN_SAVE_PARAM_'],
  ['DomainSaveImageXmlFlag', 'VIR_DOMAIN_SAVE_IMAGE_XML_'],
  ['DomainCoreDumpFlag', 'VIR_DUMP_'],
  ['DomainCoreDumpFormat', 'VIR_DOMAIN_CORE_DUMP_FORMAT_'],
  ['DomainSnapshotCreateFlag', 'VIR_DOMAIN_SNAPSHOT_CREATE_'],
  ['DomainSnapshotXmlFlag', 'VIR_DOMAIN_SNAPSHOT_XML_'],
  ['DomainSnapshotListFlag', 'VIR_DOMAIN_SNAPSHOT_LIST_'],
  ['DomainSnapshotRevertFlag', 'VIR_DOMAIN_SNAPSHOT_REVERT_'],
  ['DomainSnapshotDeleteFlag', 'VIR_DOMAIN_SNAPSHOT_DELETE_'],
  ['DomainCheckpointCreateFlag', 'VIR_DOMAIN_CHECKPOINT_CREATE_'],
  ['DomainCheckpointXmlFlag', 'VIR_DOMAIN_CHECKPOINT_XML_'],
  ['DomainCheckpointListFlag', 'VIR_DOMAIN_CHECKPOINT_LIST_'],
  ['DomainCheckpointDeleteFlag', 'VIR_DOMAIN_CHECKPOINT_DELETE_'],
  ['DomainBackupBeginFlag', 'VIR_DOMAIN_BACKUP_BEGIN_'],
  ['DomainBlockJobType', 'VIR_DOMAIN_BLOCK_JOB_TYPE_'],
  ['DomainBlockJobStatus', 'VIR_DOMAIN_BLOCK_JOB_'],
  ['DomainBlockJobAbortFlag', 'VIR_DOMAIN_BLOCK_JOB_ABORT_'],
  ['DomainBlockJobInfoFlag', 'VIR_DOMAIN_BLOCK_JOB_INFO_'],
  ['DomainBlockJobSpeedFlag', 'VIR_DOMAIN_BLOCK_JOB_SPEED_'],
  ['DomainBlockPullFlag', 'VIR_DOMAIN_BLOCK_PULL_'],
  ['DomainBlockRebaseFlag', 'VIR_DOMAIN_BLOCK_REBASE_'],
  ['DomainBlockCopyFlag', 'VIR_DOMAIN_BLOCK_COPY_'],
  ['DomainBlockCopyParam', 'VIR_DOMAIN_BLOCK_COPY_'],
  ['DomainBlockCommitFlag', 'VIR_DOMAIN_BLOCK_COMMIT_'],
  ['DomainBlockResizeFlag', 'VIR_DOMAIN_BLOCK_RESIZE_'],
  ['DomainJobType', 'VIR_DOMAIN_JOB_'],
  ['DomainJobOperation', 'VIR_DOMAIN_JOB_OPERATION_'],
  ['DomainJobStatsFlag', 'VIR_DOMAIN_JOB_STATS_'],
  ['DomainAbortJobFlag', 'VIR_DOMAIN_ABORT_JOB_'],
  ['DomainJobStat', 'VIR_DOMAIN_JOB_'],
  ['DomainMigrateFlag', 'VIR_MIGRATE_'],
  ['DomainMigrateParam', 'VIR_MIGRATE_PARAM_'],
  ['DomainMigrateMaxSpeedFlag', 'VIR_DOMAIN_MIGRATE_MAX_SPEED_'],
  ['StoragePoolListFlag', 'VIR_CONNECT_LIST_STORAGE_POOLS_'],
  ['StoragePoolState', 'VIR_STORAGE_POOL_'],
  ['StoragePoolCreateFlag', 'VIR_STORAGE_POOL_CREATE_'],
  ['StoragePoolBuildFlag', 'VIR_STORAGE_POOL_BUILD_'],
  ['StorageVolType', 'VIR_STORAGE_VOL_'],
  ['StorageVolCreateFlag', 'VIR_STORAGE_VOL_CREATE_'],
  ['StorageVolDeleteFlag', 'VIR_STORAGE_VOL_DELETE_'],
  ['StorageVolResizeFlag', 'VIR_STORAGE_VOL_RESIZE_'],
  ['StorageVolInfoFlag', 'VIR_STORAGE_VOL_'],
  ['StorageVolDownloadFlag', 'VIR_STORAGE_VOL_DOWNLOAD_'],
  ['NetworkListFlag', 'VIR_CONNECT_LIST_NETWORKS_'],
  ['NetworkDefineFlag', 'VIR_NETWORK_DEFINE_'],
  ['NetworkXmlFlag', 'VIR_NETWORK_XML_'],
  ['NodeDeviceListFlag', 'VIR_CONNECT_LIST_NODE_DEVICES_CAP_'],
  ['SecretListFlag', 'VIR_CONNECT_LIST_SECRETS_'],
  ['SecretUsageType', 'VIR_SECRET_USAGE_TYPE_'],
  ['NodeAllocPagesFlag', 'VIR_NODE_ALLOC_PAGES_'],
  ['NetworkEventType', 'VIR_NETWORK_EVENT_'],
  ['StoragePoolEventType', 'VIR_STORAGE_POOL_EVENT_'],
  ['NodeDeviceEventType', 'VIR_NODE_DEVICE_EVENT_'],
  ['SecretEventType', 'VIR_SECRET_EVENT_'],
];

/** Constants of releases after Debian 12's 9.0, which its binding may not know; the docs name the release. */
const NEWER: ReadonlySet<string> = new Set([
  'DomainSaveParam.imageFormat',
  'DomainSaveParam.parallelChannels',
  'DomainBlockResizeFlag.capacity',
  'DomainJobStat.vfioDataTransferred',
  'DomainMigrateParam.bandwidthAvailSwitchover',
  'DomainMigrateParam.compressionZlibLevel',
  'DomainMigrateParam.compressionZstdLevel',
  'DomainMigrateParam.migrateDisksDetectZeroes',
]);

/** Constants of the wire alone, which no binding shows. */
const UNBOUND = new Set(['ConnectFlag', 'ConnectFeature']);

describe('the tables', () => {
  test('export every procedure under its own name', () => {
    for (const [key, procedure] of procedures) assert.equal(key, procedure.name);
    assert.ok(procedures.length > 100);
  });

  test('give every procedure and event the number that libvirt gives it', (t) => {
    if (!existsSync(TAPSET)) return t.skip(`needs: ${TAPSET}`);
    const known = tracedProcedures(readFileSync(TAPSET, 'utf8'));
    const calls = kinds.flatMap(({ source }) => [source.register, source.deregister]);
    for (const { name, number } of [...procedures.map(([, p]) => p), ...calls]) {
      assert.equal(known.get(number), snake(name), `procedure ${number}`);
    }
    for (const { name, message } of kinds) {
      assert.equal(known.get(message), snake(name), `event ${message}`);
    }
  });

  test('give every constant the value that libvirt gives it', (t) => {
    const script =
      'import libvirt, json; print(json.dumps({n: v for n, v in vars(libvirt).items() if n.startswith("VIR_") and isinstance(v, (int, str))}))';
    const { status, stdout } = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8' });
    if (status !== 0) return t.skip('needs: python3-libvirt');
    const known = new Map<string, unknown>(Object.entries(JSON.parse(stdout) as object));
    const ours = new Map(Object.entries(libvirt));
    for (const [set, prefix] of CONSTANTS) {
      for (const [member, value] of Object.entries(ours.get(set) as object)) {
        const theirs = known.get(prefix + snake(member).toUpperCase());
        if (theirs === undefined && NEWER.has(`${set}.${member}`)) continue;
        assert.equal(value, theirs, `${set}.${member}`);
      }
    }
  });

  test('leave no set of constants unchecked', () => {
    const checked = new Set([...CONSTANTS.map(([set]) => set), ...UNBOUND]);
    const all = Object.entries(libvirt).filter(([, value]) => isConstants(value));
    assert.deepEqual(
      all.map(([key]) => key).filter((key) => !checked.has(key)),
      [],
    );
  });
});

function isProcedure(value: unknown): value is Procedure<never, unknown> {
  return typeof value === 'object' && value !== null && 'stream' in value && 'number' in value;
}

function isConstants(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isProcedure(value)) return false;
  const members: readonly unknown[] = Object.values(value);
  const kinds = new Set(members.map((member) => typeof member));
  return kinds.size === 1 && !kinds.has('object') && !('intervalMs' in value);
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]|\d+$/g, (part) => `_${part.toLowerCase()}`);
}

/** The remote program's rows: `program == N`, then pairs of `proc == N` and `procstr = "name"`. */
function tracedProcedures(tapset: string): ReadonlyMap<number, string> {
  const known = new Map<number, string>();
  let program = 0;
  let number = 0;
  for (const line of tapset.split('\n')) {
    program = Number(/program == (\d+) && version/.exec(line)?.[1] ?? program);
    number = Number(/proc == (\d+)/.exec(line)?.[1] ?? number);
    const name = /procstr = "(\w+)"/.exec(line)?.[1];
    if (program === REMOTE_PROGRAM && name !== undefined && !known.has(number)) {
      known.set(number, name);
    }
  }
  return known;
}
