import { stat } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import type { Ports } from '../ports.ts';
import { readCertificate } from './certificate.ts';
import type { CertificateFiles, ServerCertificate } from './certificate.ts';
import { addressText, parseListenAddress, refusePlainNetwork } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
import { NetListener } from './net-listener.ts';
import type { Ways } from './ways.ts';
import { isLoopback } from './ways.ts';

/** How often the files of the certificate are looked at. */
const LOOK_MS = 30_000;
/** How long answers that have begun may take when the server ends. */
const CLOSE_MS_MAX = 5_000;

/** Where the server can be reached beside its socket. */
export interface GateOptions {
  /** `ADDRESS:PORT` of each. */
  readonly listen: readonly string[];
  /** Absent: no TLS, which is only for loopback. */
  readonly tls?: CertificateFiles;
  /** Listens without TLS for the network, too. */
  readonly isPlainAllowed: boolean;
  /** Calls back whenever the certificate is to be read again. */
  readonly onReload?: (reload: () => void) => void;
}

/**
 * The ways in from the network, with the certificate they show. It is read again when it changes or
 * when that is asked for; one that cannot be used leaves the old one in its place.
 */
export class Gates implements AsyncDisposable {
  readonly #listeners: readonly NetListener[];
  readonly #files: CertificateFiles | undefined;
  readonly #ports: Ports;
  readonly #stop = new AbortController();
  #seen: string;

  private constructor(
    listeners: readonly NetListener[],
    files: CertificateFiles | undefined,
    seen: string,
    ports: Ports,
  ) {
    this.#listeners = listeners;
    this.#files = files;
    this.#seen = seen;
    this.#ports = ports;
  }

  /**
   * Opens them all or none.
   * @throws BERTH_SPEC_INVALID, BERTH_USAGE, BERTH_CERTIFICATE, BERTH_BUSY, BERTH_PERMISSION
   */
  static async open(
    app: FastifyInstance,
    ways: Ways,
    options: GateOptions,
    ports: Ports,
  ): Promise<Gates> {
    const { tls } = options;
    const seen = tls === undefined ? '' : await signOf(tls);
    const { addresses, certificate } = await checkGates(options, ports.now());
    const listeners: NetListener[] = [];
    try {
      for (const address of addresses) {
        const listener = await NetListener.open(app, ways, address, certificate);
        listeners.push(listener);
        tellOpen(listener, certificate, ports);
      }
    } catch (error) {
      await Promise.all(listeners.map(async (listener) => listener.close(Promise.resolve())));
      throw error;
    }
    const gates = new Gates(listeners, tls, seen, ports);
    if (tls !== undefined) {
      options.onReload?.(() => void gates.#renew(tls));
      void gates.#watch(tls);
    }
    return gates;
  }

  /** URLs of the API's root, the ports that were chosen included. */
  get urls(): readonly string[] {
    const scheme = this.#files === undefined ? 'http' : 'https';
    return this.#listeners.map(({ address }) => `${scheme}://${addressText(address)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const over = new AbortController();
    const patience = this.#ports.sleep(CLOSE_MS_MAX, over.signal).catch(() => undefined);
    await Promise.all(this.#listeners.map(async (listener) => listener.close(patience)));
    over.abort();
  }

  async #watch(files: CertificateFiles): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ports.sleep(LOOK_MS, signal).catch(() => undefined);
      if (!signal.aborted && (await signOf(files)) !== this.#seen) await this.#renew(files);
    }
  }

  async #renew(files: CertificateFiles): Promise<void> {
    const seen = await signOf(files);
    try {
      const certificate = await readCertificate(files, this.#ports.now());
      for (const listener of this.#listeners) listener.renew(certificate);
      const { fingerprint, expiresAt } = certificate;
      this.#ports.log.info({ fingerprint, expiresAt }, 'the certificate was read again');
    } catch (error) {
      this.#ports.log.error(
        { err: error },
        'the new certificate cannot be used; the old one stays',
      );
    }
    this.#seen = seen;
  }
}

/**
 * Makes sure that the ways in can be opened as far as that can be known before anything is done.
 * @throws BERTH_SPEC_INVALID, BERTH_USAGE, BERTH_CERTIFICATE
 */
export async function checkGates(
  { listen, tls, isPlainAllowed }: GateOptions,
  now: number,
): Promise<{
  readonly addresses: readonly ListenAddress[];
  readonly certificate: ServerCertificate | undefined;
}> {
  const addresses = listen.map(parseListenAddress);
  if (tls === undefined && !isPlainAllowed) addresses.forEach(refusePlainNetwork);
  const certificate = tls === undefined ? undefined : await readCertificate(tls, now);
  return { addresses, certificate };
}

/** Changes whenever a file is written or another one put in its place. */
async function signOf({ certificate, key }: CertificateFiles): Promise<string> {
  const signs = [certificate, key].map(async (path) =>
    stat(path).then(
      ({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`,
      () => 'missing',
    ),
  );
  return (await Promise.all(signs)).join('\n');
}

function tellOpen(
  { address }: NetListener,
  certificate: ServerCertificate | undefined,
  { log }: Ports,
): void {
  const listens = addressText(address);
  if (certificate !== undefined) {
    const { fingerprint, expiresAt } = certificate;
    log.info({ listens, fingerprint, expiresAt }, 'the API is open with TLS');
  } else if (isLoopback(address.host)) {
    log.info({ listens }, 'the API is open to this machine');
  } else {
    log.warn(
      { listens },
      'the API is open to the network WITHOUT TLS: tokens can be read on the way',
    );
  }
}
