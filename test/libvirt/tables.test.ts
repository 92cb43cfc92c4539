import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as libvirt from '../../src/libvirt/index.ts';
import type { Procedure } from '../../src/libvirt/index.ts';

/** Names of all procedures by number, as the Debian package of the daemon lists them for tracing. */
const TAPSET = '/usr/share/systemtap/tapset/libvirt_functions.stp';
const REMOTE_PROGRAM = 0x20008086;
const QEMU_PROGRAM = 0x20008087;

/** Procedures and events newer than that package, as libvirt 11.3 numbers them in its remote program. */
const NEWER_PROCEDURES: readonly (readonly [number, string])[] = [
  [444, 'network_set_metadata'],
  [445, 'network_get_metadata'],
  [446, 'network_event_callback_metadata_change'],
  [447, 'node_device_update'],
  [448, 'domain_graphics_reload'],
  [449, 'domain_get_autostart_once'],
  [450, 'domain_set_autostart_once'],
  [451, 'domain_set_throttle_group'],
  [452, 'domain_del_throttle_group'],
  [453, 'domain_event_nic_mac_change'],
];

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
  { any: libvirt.qemuMonitorEvent() },
];
interface Row {
  readonly name: string;
  readonly program: number;
  readonly number: number;
}

interface Kind {
  readonly name: string;
  readonly program: number;
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
  ['DomainShutdownReason', 'VIR_DOMAIN_SHUTDOWN_'],
  ['DomainCrashedReason', 'VIR_DOMAIN_CRASHED_'],
  ['DomainControlState', 'VIR_DOMAIN_CONTROL_'],
  ['DomainControlErrorReason', 'VIR_DOMAIN_CONTROL_ERROR_REASON_'],
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
  ['DomainChannelFlag', 'VIR_DOMAIN_CHANNEL_'],
  ['VcpuState', 'VIR_VCPU_'],
  ['VcpuHostCpuState', 'VIR_VCPU_INFO_CPU_'],
  ['DomainMemoryFlag', 'VIR_MEMORY_'],
  ['DomainDiskErrorCode', 'VIR_DOMAIN_DISK_ERROR_'],
  ['DomainDirtyRateStatus', 'VIR_DOMAIN_DIRTYRATE_'],
  ['DomainDirtyRateCalcFlag', 'VIR_DOMAIN_DIRTYRATE_'],
  ['DomainMessageType', 'VIR_DOMAIN_MESSAGE_'],
  ['DomainGraphicsReloadType', 'VIR_DOMAIN_GRAPHICS_RELOAD_TYPE_'],
  ['DomainInterfaceAddressSource', 'VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_'],
  ['DomainHostnameFlag', 'VIR_DOMAIN_GET_HOSTNAME_'],
  ['DomainGuestInfoType', 'VIR_DOMAIN_GUEST_INFO_'],
  ['DomainTimeFlag', 'VIR_DOMAIN_TIME_'],
  ['DomainPasswordFlag', 'VIR_DOMAIN_PASSWORD_'],
  ['DomainAuthorizedSshKeysSetFlag', 'VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_'],
  ['DomainAgentTimeout', 'VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_'],
  ['KeycodeSet', 'VIR_KEYCODE_SET_'],
  ['DomainProcessSignal', 'VIR_DOMAIN_PROCESS_SIGNAL_'],
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
  ['DomainEventShutdownDetail', 'VIR_DOMAIN_EVENT_SHUTDOWN_'],
  ['DomainEventPmsuspendedDetail', 'VIR_DOMAIN_EVENT_PMSUSPENDED_'],
  ['DomainEventCrashedDetail', 'VIR_DOMAIN_EVENT_CRASHED_'],
  ['DomainEventWatchdogAction', 'VIR_DOMAIN_EVENT_WATCHDOG_'],
  ['DomainEventIoErrorAction', 'VIR_DOMAIN_EVENT_IO_ERROR_'],
  ['DomainEventGraphicsPhase', 'VIR_DOMAIN_EVENT_GRAPHICS_'],
  ['DomainEventGraphicsAddressType', 'VIR_DOMAIN_EVENT_GRAPHICS_ADDRESS_'],
  ['DomainEventDiskChangeReason', 'VIR_DOMAIN_EVENT_'],
  ['DomainEventTrayChangeReason', 'VIR_DOMAIN_EVENT_TRAY_CHANGE_'],
  ['DomainEventAgentLifecycleState', 'VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_'],
  ['DomainEventAgentLifecycleReason', 'VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_REASON_'],
  ['DomainEventMemoryFailureRecipient', 'VIR_DOMAIN_EVENT_MEMORY_FAILURE_RECIPIENT_'],
  ['DomainEventMemoryFailureAction', 'VIR_DOMAIN_EVENT_MEMORY_FAILURE_ACTION_'],
  ['DomainMemoryFailureFlag', 'VIR_DOMAIN_MEMORY_FAILURE_'],
  ['QemuMonitorCommandFlag', 'VIR_DOMAIN_QEMU_MONITOR_COMMAND_'],
  ['QemuMonitorEventFlag', 'VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_'],
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
  ['NodeDeviceListFlag', 'VIR_CONNECT_LIST_NODE_DEVICES_'],
  ['SecretListFlag', 'VIR_CONNECT_LIST_SECRETS_'],
  ['SecretUsageType', 'VIR_SECRET_USAGE_TYPE_'],
  ['NodeAllocPagesFlag', 'VIR_NODE_ALLOC_PAGES_'],
  ['NetworkEventType', 'VIR_NETWORK_EVENT_'],
  ['StoragePoolEventType', 'VIR_STORAGE_POOL_EVENT_'],
  ['NodeDeviceEventType', 'VIR_NODE_DEVICE_EVENT_'],
  ['SecretEventType', 'VIR_SECRET_EVENT_'],
  ['ConnectBaselineCpuFlag', 'VIR_CONNECT_BASELINE_CPU_'],
  ['ConnectCompareCpuFlag', 'VIR_CONNECT_COMPARE_CPU_'],
  ['ConnectGetDomainCapabilitiesFlag', 'VIR_CONNECT_GET_DOMAIN_CAPABILITIES_'],
  ['ConnectIdentity', 'VIR_CONNECT_IDENTITY_'],
  ['CpuCompareResult', 'VIR_CPU_COMPARE_'],
  ['InterfaceDefineFlag', 'VIR_INTERFACE_DEFINE_'],
  ['InterfaceListFlag', 'VIR_CONNECT_LIST_INTERFACES_'],
  ['InterfaceXmlFlag', 'VIR_INTERFACE_XML_'],
  ['IpAddrType', 'VIR_IP_ADDR_TYPE_'],
  ['NetworkCreateFlag', 'VIR_NETWORK_CREATE_'],
  ['NetworkMetadataType', 'VIR_NETWORK_METADATA_'],
  ['NetworkPortCreateFlag', 'VIR_NETWORK_PORT_CREATE_'],
  ['NetworkSection', 'VIR_NETWORK_SECTION_'],
  ['NetworkUpdateCommand', 'VIR_NETWORK_UPDATE_COMMAND_'],
  ['NetworkUpdateFlag', 'VIR_NETWORK_UPDATE_'],
  ['NodeDeviceCreateXmlFlag', 'VIR_NODE_DEVICE_CREATE_XML_'],
  ['NodeDeviceDefineXmlFlag', 'VIR_NODE_DEVICE_DEFINE_XML_'],
  ['NodeDeviceUpdateFlag', 'VIR_NODE_DEVICE_UPDATE_'],
  ['NodeDeviceXmlFlag', 'VIR_NODE_DEVICE_XML_'],
  ['NodeSuspendTarget', 'VIR_NODE_SUSPEND_TARGET_'],
  ['NwfilterBindingCreateFlag', 'VIR_NWFILTER_BINDING_CREATE_'],
  ['NwfilterDefineFlag', 'VIR_NWFILTER_DEFINE_'],
  ['SecretDefineFlag', 'VIR_SECRET_DEFINE_'],
  ['StoragePoolDefineFlag', 'VIR_STORAGE_POOL_DEFINE_'],
  ['StoragePoolDeleteFlag', 'VIR_STORAGE_POOL_DELETE_'],
  ['StorageVolUploadFlag', 'VIR_STORAGE_VOL_UPLOAD_'],
  ['StorageVolWipeAlgorithm', 'VIR_STORAGE_VOL_WIPE_ALG_'],
  ['StorageXmlFlag', 'VIR_STORAGE_XML_'],
];

/** Constants of releases after Debian 12's 9.0, which its binding may not know; the docs name the release. */
const NEWER: ReadonlySet<string> = new Set([
  'ErrorCode.noNetworkMetadata',
  'ErrorCode.agentCommandTimeout',
  'ErrorCode.agentCommandFailed',
  'NetworkMetadataType.description',
  'NetworkMetadataType.title',
  'NetworkMetadataType.element',
  'NodeDeviceUpdateFlag.affectCurrent',
  'NodeDeviceUpdateFlag.affectLive',
  'NodeDeviceUpdateFlag.affectConfig',
  'NodeDeviceXmlFlag.inactive',
  'NodeDeviceListFlag.ccwgroupDev',
  'NodeDeviceListFlag.ccwgroupMember',
  'NodeDeviceListFlag.persistent',
  'NodeDeviceListFlag.transient',
  'ConnectGetDomainCapabilitiesFlag.disableDeprecatedFeatures',
  'DomainPausedReason.apiError',
  'DomainMessageType.ioerrors',
  'DomainGraphicsReloadType.any',
  'DomainGraphicsReloadType.vnc',
  'DomainGuestInfoType.load',
  'DomainSaveParam.imageFormat',
  'DomainSaveParam.parallelChannels',
  'DomainBlockResizeFlag.capacity',
  'DomainJobStat.vfioDataTransferred',
  'DomainMigrateParam.bandwidthAvailSwitchover',
  'DomainMigrateParam.compressionZlibLevel',
  'DomainMigrateParam.compressionZstdLevel',
  'DomainMigrateParam.migrateDisksDetectZeroes',
]);

/** Constants of the binding that have no place in a table of ours, and where they went instead. */
const LEFT_OUT: readonly (readonly [names: RegExp, why: string])[] = [
  [/_LAST$|^VIR_DOMAIN_MEMORY_STAT_NR$/, 'count the others'],
  [/^VIR_(TYPED|DOMAIN_(BLKIO|MEMORY))_PARAM_(U?INT|U?LLONG|DOUBLE|BOOLEAN)$/, 'TypedParam.type'],
  [/^VIR_(DOMAIN_SCHED_FIELD_|TYPED_PARAM_STRING$)/, 'TypedParam.type'],
  [/^VIR_(DOMAIN|NETWORK|STORAGE_POOL|NODE_DEVICE|SECRET)_EVENT_ID_/, 'EventKind.eventId'],
  [/^VIR_DOMAIN_(NOSTATE|BLOCKED|PMSUSPENDED|PMSUSPENDED_DISK)_UNKNOWN$/, 'the only reason, 0'],
  [/^VIR_DOMAIN_PROCESS_SIGNAL_RT/, 'DomainProcessSignal.rt0 and the number'],
  [/^VIR_DOMAIN_QEMU_AGENT_COMMAND_/, 'DomainAgentTimeout'],
  [/^VIR_ERR_(NONE|WARNING|ERROR)$/, 'levels of an error, all alike on the wire'],
  [/^VIR_NODE_(CPU_STATS_ALL_CPUS|MEMORY_STATS_ALL_CELLS)$/, 'told at the calls'],
  // Names of parameters and figures stand at the calls that take or give them.
  [/^VIR_DOMAIN_(BANDWIDTH|BLKIO|BLOCK_IOTUNE|BLOCK_STATS|CPU_STATS|IOTHREAD|MEMORY)_/, 'names'],
  [/^VIR_DOMAIN_(LAUNCH_SECURITY|NUMA|SCHEDULER|TUNABLE)_/, 'names'],
  [/^VIR_(NETWORK_PORT_BANDWIDTH|NODE_CPU_STATS|NODE_MEMORY|NODE_SEV|PERF_PARAM)_/, 'names'],
  // What no call of ours takes.
  [/^VIR_DOMAIN_(FD_ASSOCIATE|OPEN_GRAPHICS)_/, 'file descriptors are not passed on'],
  [/^VIR_CRED_/, 'SASL'],
  [/^VIR_(CONNECT_CLOSE_REASON|EVENT_HANDLE|STREAM)_/, 'the loop and streams of the C library'],
  [/^VIR_CONNECT_(RO|NO_ALIASES)$/, 'the C library; ConnectFlag is what goes over the wire'],
  [/^VIR_DOMAIN_NONE$/, 'no flag'],
];

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
    for (const { name, program, number } of [...procedures.map(([, p]) => p), ...calls]) {
      assert.equal(known.get(program)?.get(number), snake(name), `procedure ${number}`);
    }
    for (const { name, program, message } of kinds) {
      assert.equal(known.get(program)?.get(message), snake(name), `event ${message}`);
    }
  });

  test('give every constant the value that libvirt gives it', (t) => {
    const bound = boundConstants();
    if (bound === undefined) return t.skip('needs: python3-libvirt');
    const known = new Map(bound.map(([name, value]) => [bare(name), value]));
    for (const { set, member, value, names } of ourConstants()) {
      const theirs = names.map((name) => known.get(name)).find((one) => one !== undefined);
      if (theirs === undefined && NEWER.has(`${set}.${member}`)) continue;
      assert.equal(value, theirs, `${set}.${member}`);
    }
  });

  test('lack no constant of libvirt but those that are left out', (t) => {
    const bound = boundConstants();
    if (bound === undefined) return t.skip('needs: python3-libvirt');
    const ours = new Set(ourConstants().flatMap(({ names }) => names));
    const lacking = bound.map(([name]) => name).filter((name) => !ours.has(bare(name)));
    assert.deepEqual(
      lacking.filter((name) => !LEFT_OUT.some(([names]) => names.test(name))),
      [],
    );
    const idle = LEFT_OUT.filter(([names]) => !lacking.some((name) => names.test(name)));
    assert.deepEqual(idle, []);
  });

  test('leave no set of constants unchecked', () => {
    const checked = new Set([...CONSTANTS.map(([set]) => set), ...UNBOUND]);
    const all = Object.entries(libvirt).filter(([key, value]) => isConstants(key, value));
    assert.deepEqual(
      all.map(([key]) => key).filter((key) => !checked.has(key)),
      [],
    );
  });
});

function isProcedure(value: unknown): value is Procedure<never, unknown> {
  return typeof value === 'object' && value !== null && 'stream' in value && 'number' in value;
}

/** Defaults of our own are in capitals throughout. */
function isConstants(key: string, value: unknown): boolean {
  if (!/^[A-Z][a-z]/.test(key)) return false;
  if (typeof value !== 'object' || value === null || isProcedure(value)) return false;
  const members: readonly unknown[] = Object.values(value);
  const kinds = new Set(members.map((member) => typeof member));
  return kinds.size === 1 && !kinds.has('object');
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]|\d+$/g, (part) => `_${part.toLowerCase()}`);
}

/** A constant's name without what camel case does not tell: `USR1` and `USR_1` are one. */
function bare(name: string): string {
  return name.replaceAll('_', '').toUpperCase();
}

/** All constants that the binding of this machine has, by their names in C. */
function boundConstants(): readonly (readonly [string, unknown])[] | undefined {
  const script =
    'import libvirt, libvirt_qemu, json; print(json.dumps({n: v for m in (libvirt, libvirt_qemu) for n, v in vars(m).items() if n.startswith("VIR_") and isinstance(v, (int, str))}))';
  const { status, stdout } = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8' });
  return status === 0 ? Object.entries(JSON.parse(stdout) as object) : undefined;
}

/** All of our constants, with the names, bare, that libvirt may have for each. */
function ourConstants() {
  const ours = new Map(Object.entries(libvirt));
  const prefixes = Map.groupBy(CONSTANTS, ([set]) => set);
  return [...prefixes].flatMap(([set, rows]) =>
    Object.entries(ours.get(set) as object).map(([member, value]) => {
      // Warnings are among the errors, and have a prefix of their own.
      const others = set === 'ErrorCode' ? ['VIR_'] : [];
      const names = [...rows.map(([, prefix]) => prefix), ...others].map((p) => bare(p + member));
      return { set, member, value: value as unknown, names };
    }),
  );
}

/** Names by program and number: `program == N`, then pairs of `proc == N` and `procstr = "name"`. */
function tracedProcedures(tapset: string): ReadonlyMap<number, ReadonlyMap<number, string>> {
  const remote = new Map(NEWER_PROCEDURES);
  const known = new Map([
    [REMOTE_PROGRAM, remote],
    [QEMU_PROGRAM, new Map<number, string>()],
  ]);
  let program = 0;
  let number = 0;
  for (const line of tapset.split('\n')) {
    program = Number(/program == (\d+) && version/.exec(line)?.[1] ?? program);
    number = Number(/proc == (\d+)/.exec(line)?.[1] ?? number);
    const name = /procstr = "(\w+)"/.exec(line)?.[1];
    const names = known.get(program);
    if (name !== undefined && names?.has(number) === false) names.set(number, name);
  }
  return known;
}
