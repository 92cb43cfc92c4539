import type { XmlElement } from './element.ts';
import { integerAttribute } from './value.ts';

/** `<auth>`: as whom a host logs in to networked storage. The password itself is a libvirt secret. */
export interface StorageAuth {
  /** chap or ceph; of a pool. */
  readonly type: string | undefined;
  readonly username: string | undefined;
  readonly secret: SecretReference | undefined;
}

/** A libvirt secret, by its UUID or by what it is used for. */
export interface SecretReference {
  /** passphrase, ceph, iscsi, tls or vtpm, where it is told. */
  readonly type: string | undefined;
  readonly uuid: string | undefined;
  readonly usage: string | undefined;
}

/** `<encryption>`: how the bytes of a disk or volume are encrypted. */
export interface StorageEncryption {
  /** luks, luks2, or the old qcow. */
  readonly format: string | undefined;
  readonly secrets: readonly SecretReference[];
}

/** A server of networked storage. */
export interface StorageHost {
  readonly name: string | undefined;
  readonly port: number | undefined;
  /** tcp, unix or rdma. */
  readonly transport: string | undefined;
  /** The path, for transport unix. */
  readonly socket: string | undefined;
}

/** Reads the `<auth>` of a disk or of the source of either. */
export function readAuth(owner: XmlElement | undefined): StorageAuth | undefined {
  const auth = owner?.child('auth');
  if (auth === undefined) return undefined;
  const secret = auth.child('secret');
  return {
    type: auth.attribute('type'),
    username: auth.attribute('username'),
    secret: secret === undefined ? undefined : readSecretReference(secret),
  };
}

/** Reads the `<encryption>` of a disk, its source, or the target of a volume. */
export function readEncryption(owner: XmlElement | undefined): StorageEncryption | undefined {
  const encryption = owner?.child('encryption');
  if (encryption === undefined) return undefined;
  return {
    format: encryption.attribute('format'),
    secrets: encryption.childrenNamed('secret').map(readSecretReference),
  };
}

/**
 * Reads the `<host>` elements of a source.
 * @throws BERTH_SPEC_INVALID with line and column for a port that is no number.
 */
export function readStorageHosts(source: XmlElement | undefined): readonly StorageHost[] {
  return (source?.childrenNamed('host') ?? []).map((host) => ({
    name: host.attribute('name'),
    port: integerAttribute(host, 'port'),
    transport: host.attribute('transport'),
    socket: host.attribute('socket'),
  }));
}

function readSecretReference(secret: XmlElement): SecretReference {
  return {
    type: secret.attribute('type'),
    uuid: secret.attribute('uuid'),
    usage: secret.attribute('usage'),
  };
}
