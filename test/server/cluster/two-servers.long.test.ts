import { test } from 'node:test';
import { labUnmetNeed } from '../../lab/lab-host.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { killServers } from './kill-servers.ts';

const skip = (await labUnmetNeed()) ?? postgresSkip();

test(
  'a server that is killed at any step leaves nothing that another does not finish',
  { skip },
  async () => killServers({ create: [0, 1, 2, 3, 4, 5], remove: [0, 1, 2, 3] }),
);
