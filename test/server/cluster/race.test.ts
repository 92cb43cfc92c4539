import { test } from 'node:test';
import { labUnmetNeed } from '../../lab/lab-host.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { race, raceForPlaces } from './race.ts';

const skip = (await labUnmetNeed()) ?? postgresSkip();

test('two servers want the last free cell a hundred times, and one gets it', { skip }, async () =>
  raceForPlaces(100),
);

test(
  'two servers make VMs on the last free cell five times, and one comes to be',
  { skip },
  async () => race(5),
);
