import { measureScale } from './scale.ts';

/** One fleet in a process of its own: `node scale-child.ts HOSTS DECISIONS POOLS` answers in JSON. */
const [hosts = '', decisions = '', pools] = process.argv.slice(2);
const scale = measureScale(
  Number(hosts),
  Number(decisions),
  pools === 'set apart' ? pools : 'one pool',
);
process.stdout.write(`${JSON.stringify(scale)}\n`);
