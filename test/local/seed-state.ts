import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGuestImage } from '../../src/lab/guest/guest-image.ts';
import { machineArch } from '../../src/lab/system/machine-arch.ts';
import { openStateFolder, stateFolder } from '../../src/local/state-folder.ts';

const CACHE =
  process.env['BERTH_TEST_CACHE'] ?? fileURLToPath(new URL('../../.cache', import.meta.url));

/** Makes a state folder that has the guest image already, which would take seconds to build. */
export async function seedState(home: string, images = 'hypervisor/var-lib/images'): Promise<void> {
  await openStateFolder(stateFolder(home), process.getuid?.() ?? 0);
  const { kernel } = await buildGuestImage({ dir: CACHE, arch: machineArch(process.arch) });
  const image = join(kernel, '..');
  const folder = join(home, images);
  await mkdir(folder, { recursive: true });
  await cp(image, join(folder, image.slice(join(CACHE, '/').length)), { recursive: true });
}
