import { test } from 'node:test';
import { labUnmetNeed } from '../../lab/lab-host.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { killServers } from './kill-servers.ts';

const skip = (await labUnmetNeed()) ?? postgresSkip();

test(
  'of two servers one is killed within an operation, and the other finishes it',
  { skip },
  async () => killServers({ create: [3], remove: [] }),
);
