import { i32, i64, list, optional, string, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { domain, type Domain } from '../procedures/objects.ts';
import { eventKind, eventSource, uuidOf, type EventSource } from './event-kind.ts';

const TUNABLE_PARAMS_MAX = 2048;
const JOB_PARAMS_MAX = 64;
const IDENTITIES_MAX = 20;

/** `family` is a DomainEventGraphicsAddressType; a unix socket's path stands in `service`. */
const graphicsAddress = struct({ family: i32, node: string, service: string });

const source: EventSource<Domain> = eventSource(
  domain,
  uuidOf,
  { name: 'connectDomainEventCallbackRegisterAny', number: 316 },
  { name: 'connectDomainEventCallbackDeregisterAny', number: 317 },
);

/**
 * What domains tell. Every event carries the domain with its id of that moment. Events of a start
 * come before the reply to the call that starts. The version says since when libvirt has the event;
 * an older daemon refuses the subscription with code 1.
 */
export const DomainEvent = {
  /**
   * `event` is a DomainEventType; what `detail` means depends on it (DomainEventStartedDetail
   * and its like).
   *
   * @since 0.5.0
   */
  lifecycle: eventKind(
    source,
    'domainEventCallbackLifecycle',
    { eventId: 0, message: 318 },
    { dom: domain, event: i32, detail: i32 },
  ),
  /**
   * The machine was reset, by the guest or from outside.
   *
   * @since 0.8.0
   */
  reboot: eventKind(
    source,
    'domainEventCallbackReboot',
    { eventId: 1, message: 319 },
    { dom: domain },
  ),
  /**
   * The guest set its hardware clock; `offset` in seconds from UTC.
   *
   * @since 0.8.0
   */
  rtcChange: eventKind(
    source,
    'domainEventCallbackRtcChange',
    { eventId: 2, message: 320 },
    { dom: domain, offset: i64 },
  ),
  /**
   * The guest did not feed its watchdog; `action` is a DomainEventWatchdogAction.
   *
   * @since 0.8.0
   */
  watchdog: eventKind(
    source,
    'domainEventCallbackWatchdog',
    { eventId: 3, message: 321 },
    { dom: domain, action: i32 },
  ),
  /**
   * A disk failed; `ioErrorReason` tells the same and why.
   *
   * @since 0.8.0
   */
  ioError: eventKind(
    source,
    'domainEventCallbackIoError',
    { eventId: 4, message: 322 },
    { dom: domain, srcPath: string, devAlias: string, action: i32 },
  ),
  /**
   * A client of a screen came, has shown that it may, or went: `phase` is a
   * DomainEventGraphicsPhase. `subject` is who it is, where the way to authenticate tells.
   *
   * @since 0.8.0
   */
  graphics: eventKind(
    source,
    'domainEventCallbackGraphics',
    { eventId: 5, message: 323 },
    {
      dom: domain,
      phase: i32,
      local: graphicsAddress,
      remote: graphicsAddress,
      authScheme: string,
      subject: list(struct({ type: string, name: string }), IDENTITIES_MAX),
    },
  ),
  /**
   * A disk failed: the path of its source, its alias, a DomainEventIoErrorAction, and `reason`:
   * "enospc" where the host's storage is full, "eperm", "eio", often empty.
   *
   * @since 0.8.1
   */
  ioErrorReason: eventKind(
    source,
    'domainEventCallbackIoErrorReason',
    { eventId: 6, message: 324 },
    { dom: domain, srcPath: string, devAlias: string, action: i32, reason: string },
  ),
  /**
   * The connection to the monitor broke; the domain can only be ended.
   *
   * @since 0.9.2
   */
  controlError: eventKind(
    source,
    'domainEventCallbackControlError',
    { eventId: 7, message: 325 },
    { dom: domain },
  ),
  /**
   * A block job changed, told with the path of the disk as it was when the job began; `blockJob`
   * tells the same by the target.
   *
   * @since 0.9.4
   */
  blockJobByPath: eventKind(
    source,
    'domainEventCallbackBlockJob',
    { eventId: 8, message: 326 },
    { dom: domain, path: string, type: i32, status: i32 },
  ),
  /**
   * A medium was changed by libvirt itself; `reason` is a DomainEventDiskChangeReason.
   *
   * @since 0.9.7
   */
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
  /**
   * A tray moved; `reason` is a DomainEventTrayChangeReason.
   *
   * @since 0.9.11
   */
  trayChange: eventKind(
    source,
    'domainEventCallbackTrayChange',
    { eventId: 10, message: 328 },
    { dom: domain, devAlias: string, reason: i32 },
  ),
  /**
   * The guest woke up. `reason` is always 0.
   *
   * @since 0.9.11
   */
  pmwakeup: eventKind(
    source,
    'domainEventCallbackPmwakeup',
    { eventId: 11, message: 329 },
    { reason: i32, dom: domain },
  ),
  /**
   * The guest went to sleep in memory. `reason` is always 0.
   *
   * @since 0.9.11
   */
  pmsuspend: eventKind(
    source,
    'domainEventCallbackPmsuspend',
    { eventId: 12, message: 330 },
    { reason: i32, dom: domain },
  ),
  /**
   * The balloon's new size in KiB.
   *
   * @since 0.10.0
   */
  balloonChange: eventKind(
    source,
    'domainEventCallbackBalloonChange',
    { eventId: 13, message: 331 },
    { dom: domain, actual: u64 },
  ),
  /**
   * The guest went to sleep on its disk. `reason` is always 0.
   *
   * @since 1.0.0
   */
  pmsuspendDisk: eventKind(
    source,
    'domainEventCallbackPmsuspendDisk',
    { eventId: 14, message: 332 },
    { reason: i32, dom: domain },
  ),
  /**
   * A device is gone: the guest has let go of it.
   *
   * @since 1.1.1
   */
  deviceRemoved: eventKind(
    source,
    'domainEventCallbackDeviceRemoved',
    { eventId: 15, message: 333 },
    { dom: domain, devAlias: string },
  ),
  /**
   * A block job changed: DomainBlockJobType and DomainBlockJobStatus; `dst` is the target such
   * as "vda", stable where a path is not.
   *
   * @since 1.2.6
   */
  blockJob: eventKind(
    source,
    'domainEventBlockJob2',
    { eventId: 16, message: 339 },
    { dom: domain, dst: string, type: i32, status: i32 },
  ),
  /**
   * A tunable was set: `cputune.vcpupin0`, `blkdeviotune.total_bytes_sec` and the like.
   *
   * @since 1.2.9
   */
  tunable: eventKind(
    source,
    'domainEventCallbackTunable',
    { eventId: 17, message: 346 },
    { dom: domain, params: typedParams(TUNABLE_PARAMS_MAX) },
  ),
  /**
   * The guest agent came or went: DomainEventAgentLifecycleState and its reason.
   *
   * @since 1.2.11
   */
  agentLifecycle: eventKind(
    source,
    'domainEventCallbackAgentLifecycle',
    { eventId: 18, message: 348 },
    { dom: domain, state: i32, reason: i32 },
  ),
  /**
   * A device was plugged in.
   *
   * @since 1.2.15
   */
  deviceAdded: eventKind(
    source,
    'domainEventCallbackDeviceAdded',
    { eventId: 19, message: 354 },
    { dom: domain, devAlias: string },
  ),
  /**
   * A migration goes over the memory once more; `iteration` counts from 1.
   *
   * @since 1.3.2
   */
  migrationIteration: eventKind(
    source,
    'domainEventCallbackMigrationIteration',
    { eventId: 20, message: 359 },
    { dom: domain, iteration: i32 },
  ),
  /**
   * A job ended; the parameters are those of `domainGetJobStats`.
   *
   * @since 1.3.3
   */
  jobCompleted: eventKind(
    source,
    'domainEventCallbackJobCompleted',
    { eventId: 21, message: 363 },
    { dom: domain, params: typedParams(JOB_PARAMS_MAX) },
  ),
  /**
   * The guest refused to let go of a device.
   *
   * @since 1.3.4
   */
  deviceRemovalFailed: eventKind(
    source,
    'domainEventCallbackDeviceRemovalFailed',
    { eventId: 22, message: 367 },
    { dom: domain, devAlias: string },
  ),
  /**
   * `type` is a DomainMetadataType; `nsuri` is there for elements only.
   *
   * @since 3.0.0
   */
  metadataChange: eventKind(
    source,
    'domainEventCallbackMetadataChange',
    { eventId: 23, message: 379 },
    { dom: domain, type: i32, nsuri: optional(string) },
  ),
  /**
   * A write went past the threshold that was set for a disk, by `excess` bytes; the threshold is
   * then gone.
   *
   * @since 3.2.0
   */
  blockThreshold: eventKind(
    source,
    'domainEventBlockThreshold',
    { eventId: 24, message: 385 },
    { dom: domain, dev: string, path: optional(string), threshold: u64, excess: u64 },
  ),
  /**
   * Host memory under a guest failed: DomainEventMemoryFailureRecipient and Action, and
   * DomainMemoryFailureFlag.
   *
   * @since 6.9.0
   */
  memoryFailure: eventKind(
    source,
    'domainEventMemoryFailure',
    { eventId: 25, message: 423 },
    { dom: domain, recipient: i32, action: i32, flags: u32 },
  ),
  /**
   * A virtio-mem device reached a new size in KiB.
   *
   * @since 7.9.0
   */
  memoryDeviceSizeChange: eventKind(
    source,
    'domainEventMemoryDeviceSizeChange',
    { eventId: 26, message: 438 },
    { dom: domain, alias: string, size: u64 },
  ),
  /**
   * The guest gave a NIC another MAC address.
   *
   * @since 11.2.0
   */
  nicMacChange: eventKind(
    source,
    'domainEventNicMacChange',
    { eventId: 27, message: 453 },
    { dom: domain, alias: string, oldMac: string, newMac: string },
  ),
} as const;
