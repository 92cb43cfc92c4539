import { test } from 'node:test';
import { labUnmetNeed } from '../../lab/lab-host.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { race } from './race.ts';

const skip = (await labUnmetNeed()) ?? postgresSkip();

test(
  'two servers place on the last free cell a thousand times, and it is given once',
  { skip },
  async () => race(1000),
);
