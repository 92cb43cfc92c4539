import { buildDebianImage, type DebianImageOptions } from '../../../src/lab/system/debian-image.ts';

/** A builder that a test can kill: `FOLDER RECIPE`, the recipe as JSON. */
const [dir = '', recipe = '{}'] = process.argv.slice(2);
await buildDebianImage({ ...(JSON.parse(recipe) as DebianImageOptions), dir });
