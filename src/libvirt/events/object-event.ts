import { i32, optional, string } from '../xdr/codec.ts';
import {
  network,
  nodeDevice,
  secret,
  storagePool,
  type Network,
  type NodeDevice,
  type Secret,
  type StoragePool,
} from '../procedures/objects.ts';
import { eventKind, eventSource, uuidOf, type EventSource } from './event-kind.ts';

const networks: EventSource<Network> = eventSource(
  network,
  uuidOf,
  { name: 'connectNetworkEventRegisterAny', number: 313 },
  { name: 'connectNetworkEventDeregisterAny', number: 314 },
);

const pools: EventSource<StoragePool> = eventSource(
  storagePool,
  uuidOf,
  { name: 'connectStoragePoolEventRegisterAny', number: 368 },
  { name: 'connectStoragePoolEventDeregisterAny', number: 369 },
);

const nodeDevices: EventSource<NodeDevice> = eventSource(
  nodeDevice,
  ({ name }) => name,
  { name: 'connectNodeDeviceEventRegisterAny', number: 374 },
  { name: 'connectNodeDeviceEventDeregisterAny', number: 375 },
);

const secrets: EventSource<Secret> = eventSource(
  secret,
  uuidOf,
  { name: 'connectSecretEventRegisterAny', number: 380 },
  { name: 'connectSecretEventDeregisterAny', number: 381 },
);

/** What networks tell. The version says since when libvirt has the event. */
export const NetworkEvent = {
  /**
   * A network was defined, undefined, started or stopped: `event` is a NetworkEventType, `detail`
   * is 0.
   *
   * @since 1.2.1
   */
  lifecycle: eventKind(
    networks,
    'networkEventLifecycle',
    { eventId: 0, message: 315 },
    { net: network, event: i32, detail: i32 },
  ),
  /**
   * Metadata of a network changed: `type` is a NetworkMetadataType, `nsuri` the namespace of an
   * element.
   *
   * @since 9.8.0
   */
  metadataChange: eventKind(
    networks,
    'networkEventCallbackMetadataChange',
    { eventId: 1, message: 446 },
    { net: network, type: i32, nsuri: optional(string) },
  ),
} as const;

/** What storage pools tell. */
export const StoragePoolEvent = {
  /**
   * A pool, or its storage, came, went, was started or stopped: `event` is a StoragePoolEventType,
   * `detail` is 0.
   *
   * @since 2.0.0
   */
  lifecycle: eventKind(
    pools,
    'storagePoolEventLifecycle',
    { eventId: 0, message: 370 },
    { pool: storagePool, event: i32, detail: i32 },
  ),
  /**
   * The pool was refreshed, by a call or because a volume in it changed.
   *
   * @since 2.0.0
   */
  refresh: eventKind(
    pools,
    'storagePoolEventRefresh',
    { eventId: 1, message: 373 },
    { pool: storagePool },
  ),
} as const;

/** What devices of the host tell, where udev runs. */
export const NodeDeviceEvent = {
  /**
   * A device came or went, or the definition of a mediated one did: `event` is a
   * NodeDeviceEventType, `detail` is 0.
   *
   * @since 2.2.0
   */
  lifecycle: eventKind(
    nodeDevices,
    'nodeDeviceEventLifecycle',
    { eventId: 0, message: 376 },
    { dev: nodeDevice, event: i32, detail: i32 },
  ),
  /**
   * A device changed, such as a NIC its driver: read its XML anew.
   *
   * @since 2.2.0
   */
  update: eventKind(
    nodeDevices,
    'nodeDeviceEventUpdate',
    { eventId: 1, message: 377 },
    { dev: nodeDevice },
  ),
} as const;

/** What secrets tell. */
export const SecretEvent = {
  /**
   * A secret was defined or undefined: `event` is a SecretEventType, `detail` is 0.
   *
   * @since 3.0.0
   */
  lifecycle: eventKind(
    secrets,
    'secretEventLifecycle',
    { eventId: 0, message: 382 },
    { secret, event: i32, detail: i32 },
  ),
  /**
   * A secret was given another value.
   *
   * @since 3.0.0
   */
  valueChanged: eventKind(
    secrets,
    'secretEventValueChanged',
    { eventId: 1, message: 383 },
    { secret },
  ),
} as const;
