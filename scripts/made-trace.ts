import { present } from '../src/base/assert.ts';
import { Random } from '../bench/placement/random.ts';

/**
 * Prints a made-up trace, the same every time, for trying `berth simulate`: a week on which more VMs
 * come by day than by night. docs/simulate.md shows what comes of it.
 */

interface Kind {
  readonly columns: string;
  /** How often it is asked for, beside the others. */
  readonly share: number;
  readonly hours: number;
}

const KINDS: readonly Kind[] = [
  { columns: '2,8192,dedicated,,', share: 30, hours: 6 },
  { columns: '4,16384,dedicated,,', share: 20, hours: 12 },
  { columns: '8,32768,dedicated,,1GiB', share: 12, hours: 24 },
  { columns: '16,65536,dedicated,2,', share: 6, hours: 30 },
  { columns: '24,49152,dedicated,,', share: 4, hours: 20 },
  { columns: '4,8192,shared,none,', share: 28, hours: 16 },
];

const DAY = 86_400;
const SECONDS_BETWEEN = 200;

const random = new Random(7);
const shares = KINDS.reduce((sum, { share }) => sum + share, 0);
const lines = ['at,until,vcpus,memory_mib,policy,cells,page'];
for (let at = 0; at < 7 * DAY; at += exponential(SECONDS_BETWEEN / byDay(at))) {
  const { columns, hours } = pick();
  const until = at + exponential(hours * 3600);
  lines.push(`${Math.floor(at)},${Math.ceil(until)},${columns}`);
}
process.stdout.write(`${lines.join('\n')}\n`);

/** From 0.4 at midnight to 1.6 at noon. */
function byDay(at: number): number {
  return 1 - 0.6 * Math.cos((2 * Math.PI * at) / DAY);
}

function exponential(mean: number): number {
  return -mean * Math.log(1 - random.next());
}

function pick(): Kind {
  let left = random.next() * shares;
  return present(
    KINDS.find(({ share }) => (left -= share) < 0),
    'a kind',
  );
}
