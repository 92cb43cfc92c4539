import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

type Done = (error?: Error | null) => void;

/** The length word that every message begins with. */
const LENGTH_BYTES = 4;

/**
 * A TLS connection that never puts bytes of two messages into one TLS record. libvirt's daemon reads
 * a message, and then waits for its socket to have more; what GnuTLS has taken from the socket along
 * with the last record does not count there (libvirt 9.0, virnetserverclient.c). A message
 * in the same record would lie until the next one comes, maybe for ever. Node joins what is written
 * while it is busy, so messages go to it one by one.
 */
export class TlsStream extends Duplex {
  readonly #socket: TLSSocket;
  /** The beginning of a message whose rest has not been written yet. */
  #begun: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
    socket.resume();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send(Buffer.concat([this.#begun, chunk]), done);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], done: Done): void {
    this.#send(Buffer.concat([this.#begun, ...chunks.map(({ chunk }) => chunk)]), done);
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  /** Sends the whole messages of these bytes, each once the one before it has left. */
  #send(bytes: Buffer, done: Done): void {
    const length = bytes.length < LENGTH_BYTES ? Infinity : bytes.readUInt32BE(0);
    if (bytes.length < length) {
      this.#begun = bytes;
      return done();
    }
    this.#begun = Buffer.alloc(0);
    const rest = bytes.subarray(length);
    this.#socket.write(bytes.subarray(0, length), (error) => {
      if (error instanceof Error || rest.length === 0) done(error);
      else this.#send(rest, done);
    });
  }
}
