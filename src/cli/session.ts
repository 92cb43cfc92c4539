import type { Client } from '../api/client.ts';
import { lookOf } from './look.ts';
import type { Look } from './look.ts';
import type { CliPorts, ExitStatus, Output } from './ports.ts';
import { jsonText } from './printable.ts';

/** Thrown when the reader of standard output has gone (`| head`): nothing is left to say. */
export class BrokenPipe extends Error {
  override readonly name = 'BrokenPipe';
}

/** Thrown when standard output is a file and its disk is full: nothing can be answered there. */
export class OutputFull extends Error {
  override readonly name = 'OutputFull';
}

/** One run of the command line: where output goes, how it looks, and what the run ends with. */
export class Session {
  readonly ports: CliPorts;
  /** One JSON document goes to standard output, and nothing else. */
  readonly json: boolean;
  readonly out: Look;
  readonly err: Look;
  status: ExitStatus = 0;
  /** `--server`: the URL of the server that is meant, where it was given. */
  server: string | undefined;
  #client: Client | undefined;

  constructor(ports: CliPorts, options: { readonly json: boolean }) {
    this.ports = ports;
    this.json = options.json;
    this.out = lookOf(ports.stdout, ports.env);
    this.err = lookOf(ports.stderr, ports.env);
  }

  /** The client of the server, made when first needed. */
  async client(): Promise<Client> {
    this.#client ??= await this.ports.client({ server: this.server });
    return this.#client;
  }

  /** The client of this machine's own server, for what is about this machine. */
  async localClient(): Promise<Client> {
    return this.ports.client({ isLocal: true });
  }

  /** Answers a command: the resource as JSON under --json, else what `render` makes of it. */
  async answer(resource: unknown, render: () => string | Promise<string>): Promise<void> {
    await this.print(this.json ? jsonText(resource) : await render());
  }

  /**
   * Writes to standard output and waits until it is gone.
   * @throws BrokenPipe when nobody reads, OutputFull when it is a file without space.
   */
  async print(text: string | Uint8Array): Promise<void> {
    await written(this.ports.stdout, text);
  }

  /** Writes a line to standard error; one that nobody reads or that finds no space is lost. */
  async note(line: string): Promise<void> {
    await written(this.ports.stderr, `${line}\n`).catch((error: unknown) => {
      if (!(error instanceof BrokenPipe || error instanceof OutputFull)) throw error;
    });
  }
}

async function written(stream: Output, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(writeFailure(error));
    });
  });
}

function writeFailure(error: Error): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ECONNRESET') {
    return new BrokenPipe();
  }
  return code === 'ENOSPC' || code === 'EDQUOT' ? new OutputFull() : error;
}
