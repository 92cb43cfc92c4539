import { i32 } from '../xdr/codec.ts';
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
import { eventKind, eventSource, type EventSource } from './event-kind.ts';

const networks: EventSource<Network> = eventSource(
  network,
  { name: 'connectNetworkEventRegisterAny', number: 313 },
  { name: 'connectNetworkEventDeregisterAny', number: 314 },
);

const pools: EventSource<StoragePool> = eventSource(
  storagePool,
  { name: 'connectStoragePoolEventRegisterAny', number: 368 },
  { name: 'connectStoragePoolEventDeregisterAny', number: 369 },
);

const nodeDevices: EventSource<NodeDevice> = eventSource(
  nodeDevice,
  { name: 'connectNodeDeviceEventRegisterAny', number: 374 },
  { name: 'connectNodeDeviceEventDeregisterAny', number: 375 },
);

const secrets: EventSource<Secret> = eventSource(
  secret,
  { name: 'connectSecretEventRegisterAny', number: 380 },
  { name: 'connectSecretEventDeregisterAny', number: 381 },
);

/** What networks tell; `event` is a NetworkEventType. */
export const NetworkEvent = {
  lifecycle: eventKind(
    networks,
    'networkEventLifecycle',
    { eventId: 0, message: 315 },
    { net: network, event: i32, detail: i32 },
  ),
} as const;

/** What storage pools tell; `event` is a StoragePoolEventType. */
export const StoragePoolEvent = {
  lifecycle: eventKind(
    pools,
    'storagePoolEventLifecycle',
    { eventId: 0, message: 370 },
    { pool: storagePool, event: i32, detail: i32 },
  ),
  /** The pool was refreshed, by a call or because a volume in it changed. */
  refresh: eventKind(
    pools,
    'storagePoolEventRefresh',
    { eventId: 1, message: 373 },
    { pool: storagePool },
  ),
} as const;

/** What devices of the host tell; `event` is a NodeDeviceEventType. */
export const NodeDeviceEvent = {
  lifecycle: eventKind(
    nodeDevices,
    'nodeDeviceEventLifecycle',
    { eventId: 0, message: 376 },
    { dev: nodeDevice, event: i32, detail: i32 },
  ),
  update: eventKind(
    nodeDevices,
    'nodeDeviceEventUpdate',
    { eventId: 1, message: 377 },
    { dev: nodeDevice },
  ),
} as const;

/** What secrets tell; `event` is a SecretEventType. */
export const SecretEvent = {
  lifecycle: eventKind(
    secrets,
    'secretEventLifecycle',
    { eventId: 0, message: 382 },
    { secret, event: i32, detail: i32 },
  ),
  valueChanged: eventKind(
    secrets,
    'secretEventValueChanged',
    { eventId: 1, message: 383 },
    { secret },
  ),
} as const;
