import { i32, i64, optional, string, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { domain, type Domain } from '../procedures/objects.ts';
import { eventKind, eventSource, type EventSource } from './event-kind.ts';

const TUNABLE_PARAMS_MAX = 2048;
const JOB_PARAMS_MAX = 64;

const source: EventSource<Domain> = eventSource(
  domain,
  { name: 'connectDomainEventCallbackRegisterAny', number: 316 },
  { name: 'connectDomainEventCallbackDeregisterAny', number: 317 },
);

/**
 * What domains tell. Every event carries the domain with its id of that moment. Events of a start
 * come before the reply to the call that starts.
 */
export const DomainEvent = {
  /** `event` is a DomainEventType, `detail` says how it came about. */
  lifecycle: eventKind(
    source,
    'domainEventCallbackLifecycle',
    { eventId: 0, message: 318 },
    { dom: domain, event: i32, detail: i32 },
  ),
  reboot: eventKind(
    source,
    'domainEventCallbackReboot',
    { eventId: 1, message: 319 },
    { dom: domain },
  ),
  /** The guest set its clock; `offset` in seconds from UTC. */
  rtcChange: eventKind(
    source,
    'domainEventCallbackRtcChange',
    { eventId: 2, message: 320 },
    { dom: domain, offset: i64 },
  ),
  watchdog: eventKind(
    source,
    'domainEventCallbackWatchdog',
    { eventId: 3, message: 321 },
    { dom: domain, action: i32 },
  ),
  /** A disk failed; `reason` is "enospc" where the host's storage is full, else often empty. */
  ioErrorReason: eventKind(
    source,
    'domainEventCallbackIoErrorReason',
    { eventId: 6, message: 324 },
    { dom: domain, srcPath: string, devAlias: string, action: i32, reason: string },
  ),
  controlError: eventKind(
    source,
    'domainEventCallbackControlError',
    { eventId: 7, message: 325 },
    { dom: domain },
  ),
  diskChange: eventKind(
    source,
    'domainEventCallbackDiskChange',
    { eventId: 9, message: 327 },
    {
      dom: domain,
      oldSrcPath: optional(string),
      newSrcPath: optional(string),
      devAlias: string,
      reason: i32,
    },
  ),
  trayChange: eventKind(
    source,
    'domainEventCallbackTrayChange',
    { eventId: 10, message: 328 },
    { dom: domain, devAlias: string, reason: i32 },
  ),
  /** The balloon's new size in KiB. */
  balloonChange: eventKind(
    source,
    'domainEventCallbackBalloonChange',
    { eventId: 13, message: 331 },
    { dom: domain, actual: u64 },
  ),
  deviceRemoved: eventKind(
    source,
    'domainEventCallbackDeviceRemoved',
    { eventId: 15, message: 333 },
    { dom: domain, devAlias: string },
  ),
  /** A block job changed; `dst` is the target such as "vda", stable where a path is not. */
  blockJob: eventKind(
    source,
    'domainEventBlockJob2',
    { eventId: 16, message: 339 },
    { dom: domain, dst: string, type: i32, status: i32 },
  ),
  /** A tunable was set: `cputune.vcpupin0`, `blkdeviotune.total_bytes_sec` and the like. */
  tunable: eventKind(
    source,
    'domainEventCallbackTunable',
    { eventId: 17, message: 346 },
    { dom: domain, params: typedParams(TUNABLE_PARAMS_MAX) },
  ),
  /** The guest agent came (state 1) or went (2). */
  agentLifecycle: eventKind(
    source,
    'domainEventCallbackAgentLifecycle',
    { eventId: 18, message: 348 },
    { dom: domain, state: i32, reason: i32 },
  ),
  deviceAdded: eventKind(
    source,
    'domainEventCallbackDeviceAdded',
    { eventId: 19, message: 354 },
    { dom: domain, devAlias: string },
  ),
  migrationIteration: eventKind(
    source,
    'domainEventCallbackMigrationIteration',
    { eventId: 20, message: 359 },
    { dom: domain, iteration: i32 },
  ),
  /** A job ended; the parameters are those of `domainGetJobStats`. */
  jobCompleted: eventKind(
    source,
    'domainEventCallbackJobCompleted',
    { eventId: 21, message: 363 },
    { dom: domain, params: typedParams(JOB_PARAMS_MAX) },
  ),
  deviceRemovalFailed: eventKind(
    source,
    'domainEventCallbackDeviceRemovalFailed',
    { eventId: 22, message: 367 },
    { dom: domain, devAlias: string },
  ),
  /** `type` is a DomainMetadataType; `nsUri` is there for elements only. */
  metadataChange: eventKind(
    source,
    'domainEventCallbackMetadataChange',
    { eventId: 23, message: 379 },
    { dom: domain, type: i32, nsUri: optional(string) },
  ),
  /** A disk's written bytes passed the threshold that was set for it, by `excess` bytes. */
  blockThreshold: eventKind(
    source,
    'domainEventBlockThreshold',
    { eventId: 24, message: 385 },
    { dom: domain, dev: string, path: optional(string), threshold: u64, excess: u64 },
  ),
  /** Host memory under a guest failed (libvirt 6.9). */
  memoryFailure: eventKind(
    source,
    'domainEventMemoryFailure',
    { eventId: 25, message: 423 },
    { dom: domain, recipient: i32, action: i32, flags: u32 },
  ),
  /** A virtio-mem device reached a new size in KiB (libvirt 7.9). */
  memoryDeviceSizeChange: eventKind(
    source,
    'domainEventMemoryDeviceSizeChange',
    { eventId: 26, message: 438 },
    { dom: domain, alias: string, size: u64 },
  ),
} as const;
