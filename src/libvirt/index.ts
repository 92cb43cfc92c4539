/// <reference types="node" preserve="true" />
/**
 * A client for libvirt's own wire protocol: connections, calls, events and streams, without a
 * native library.
 *
 *     const connection = await connect('qemu:///system', {}, { deadlineMs: 5000 });
 *     const { xml } = await connection.call(domainGetXmlDesc, { dom }, { deadlineMs: 5000 });
 *
 * Procedures, flags, events and error codes carry libvirt's names, so its manual is the manual.
 * 64-bit numbers are bigints.
 */
export { connect, type ConnectOptions } from './connect.ts';
export type { Closure, Connection, OpenedStream, StreamFor, Subscription } from './connection.ts';
export {
  lastingConnection,
  type LastingConnection,
  type LastingOptions,
  type LinkState,
} from './lasting/lasting-connection.ts';
export { BACKOFF_DEFAULT, type Backoff } from './lasting/backoff.ts';
export { BerthError, isBerthError } from '../base/errors.ts';
export { ErrorCode, ErrorDomain } from './error-code.ts';
export { isLibvirtError, isUnknownProcedure, LibvirtError } from './libvirt-error.ts';
export { parseUri, URI_CHARS_MAX, type LibvirtUri, type TransportName } from './uri.ts';
export {
  SOCKET_PATH_BYTES_MAX,
  socketCandidates,
  type Environment,
} from './transport/socket-location.ts';
export { processEnvironment } from './transport/process-environment.ts';
export { runBySsh, type SshCommand, type SshOutcome } from './transport/ssh-command.ts';

export type { Clock } from './rpc/clock.ts';
export { KEEPALIVE_DEFAULT, type KeepaliveRhythm } from './rpc/keepalive.ts';
export { STREAM_BOUNDS_DEFAULT, type StreamBounds } from './streams/stream-pool.ts';
export { callCounted } from './rpc/counted-call.ts';
export type {
  CallProcedure,
  Procedure,
  StreamDirection,
  StreamProcedure,
} from './rpc/procedure.ts';
export { DEADLINE_MS_MAX, type Wait } from './rpc/wait.ts';

export type { Codec } from './xdr/codec.ts';
export { paramRecord, type TypedParam, type TypedValue } from './xdr/typed-param.ts';

export { DomainEvent } from './events/domain-event.ts';
export {
  qemuMonitorEvent,
  QemuMonitorEventFlag,
  type QemuMonitorEvent,
  type QemuMonitorEventChoice,
} from './events/qemu-event.ts';
export {
  NetworkEvent,
  NodeDeviceEvent,
  SecretEvent,
  StoragePoolEvent,
} from './events/object-event.ts';
export type { EventFeed } from './events/event-feed.ts';
export type { EventKind } from './events/event-kind.ts';

export { Hole } from './streams/hole.ts';
export { downloadVolume, readVolume, type DownloadTarget } from './transfer/download-volume.ts';
export { openConsole, type ConsoleRequest } from './transfer/open-console.ts';
export {
  SCREENSHOT_BYTES_MAX,
  takeScreenshot,
  type Screenshot,
  type ScreenshotRequest,
} from './transfer/take-screenshot.ts';
export type { TransferProgress } from './transfer/transfer-progress.ts';
export type { TransferRequest } from './transfer/transfer-request.ts';
export type { UploadSource } from './transfer/upload-source.ts';
export { uploadVolume } from './transfer/upload-volume.ts';

export {
  domainOf,
  type Domain,
  type DomainCheckpoint,
  type DomainSnapshot,
  type HostInterface,
  type Network,
  type NetworkPort,
  type NodeDevice,
  type Nwfilter,
  type NwfilterBinding,
  type Secret,
  type StoragePool,
  type StorageVol,
} from './procedures/objects.ts';
export * from './procedures/connect.ts';
export * from './procedures/domain.ts';
export * from './procedures/domain-backup.ts';
export * from './procedures/domain-block.ts';
export * from './procedures/domain-checkpoint.ts';
export * from './procedures/domain-cpu.ts';
export * from './procedures/domain-device.ts';
export * from './procedures/domain-graphics.ts';
export * from './procedures/domain-guest.ts';
export * from './procedures/domain-info.ts';
export * from './procedures/domain-input.ts';
export * from './procedures/domain-job.ts';
export * from './procedures/domain-launch-security.ts';
export * from './procedures/domain-memory.ts';
export * from './procedures/domain-migration.ts';
export * from './procedures/domain-save.ts';
export * from './procedures/domain-security.ts';
export * from './procedures/domain-snapshot.ts';
export * from './procedures/domain-stats.ts';
export * from './procedures/domain-stream.ts';
export * from './procedures/domain-tune.ts';
export * from './procedures/interface.ts';
export * from './procedures/network.ts';
export * from './procedures/network-port.ts';
export * from './procedures/network-update.ts';
export * from './procedures/node.ts';
export * from './procedures/node-device.ts';
export * from './procedures/nwfilter.ts';
export * from './procedures/qemu.ts';
export * from './procedures/secret.ts';
export * from './procedures/storage.ts';
export * from './procedures/storage-vol.ts';

export * from './flags/connect-flags.ts';
export * from './flags/domain-flags.ts';
export * from './flags/domain-block-flags.ts';
export * from './flags/domain-event-flags.ts';
export * from './flags/domain-guest-flags.ts';
export * from './flags/domain-job-flags.ts';
export * from './flags/domain-lifecycle-flags.ts';
export * from './flags/domain-save-flags.ts';
export * from './flags/domain-snapshot-flags.ts';
export * from './flags/interface-flags.ts';
export * from './flags/network-flags.ts';
export * from './flags/network-port-flags.ts';
export * from './flags/node-flags.ts';
export * from './flags/node-device-flags.ts';
export * from './flags/nwfilter-flags.ts';
export * from './flags/secret-flags.ts';
export * from './flags/storage-flags.ts';
export * from './flags/storage-vol-flags.ts';
