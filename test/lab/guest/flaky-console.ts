import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';

/** How a console misbehaves; each is asked for a number from 0 to 1 at every piece. */
export interface Flaws {
  /** Share of typed pieces of which some characters get lost. */
  readonly lost: number;
  /** Share of written pieces that somebody else writes into. */
  readonly broken: number;
  readonly random: () => number;
}

/**
 * An interactive shell of this machine on a terminal of its own, seen through a console that loses
 * what is typed and mixes others' messages into what is written. It has its own processes and its
 * own /run, so that nothing typed there can do harm here.
 */
export function flakyConsole(shell: string, flaws: Flaws): Duplex {
  const inside = `mount -t tmpfs run /run && exec script -qfec '${shell}' /dev/null`;
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', inside], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PS1: '# ', HOME: '/' },
  });
  const console = new Duplex({
    read: () => child.stdout.resume(),
    write: (typed: Buffer, _encoding, done) => {
      child.stdin.write(flaws.random() < flaws.lost ? shortened(typed, flaws) : typed, () =>
        done(),
      );
    },
    destroy: (error, done) => {
      child.kill('SIGKILL');
      done(error);
    },
  });
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (written: Buffer) => {
    for (const piece of flaws.random() < flaws.broken ? brokenInto(written, flaws) : [written]) {
      console.push(piece);
    }
  });
  child.on('exit', () => console.push(null));
  return console;
}

/** Never the last character: the line would be finished by the next one. */
function shortened(typed: Buffer, { random }: Flaws): Buffer {
  const from = Math.floor(random() * (typed.length - 1));
  const to = Math.min(typed.length - 1, from + 1 + Math.floor(random() * 20));
  return Buffer.concat([typed.subarray(0, from), typed.subarray(to)]);
}

function brokenInto(written: Buffer, { random }: Flaws): readonly Buffer[] {
  const at = Math.floor(random() * written.length);
  const message = Buffer.from('[   12.345678] eth0: link {{is}} up\r\n');
  return [written.subarray(0, at), message, written.subarray(at)];
}
