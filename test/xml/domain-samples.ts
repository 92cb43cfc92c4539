import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readTarGz } from './tar.ts';

const DATA = process.env['BERTH_TEST_DATA'];
const FOLDER = path.join(DATA ?? '', 'domain-xml');

/** What a test of them lacks, or false. */
export const samplesSkip: string | false =
  DATA === undefined
    ? 'needs: BERTH_TEST_DATA'
    : !existsSync(FOLDER) && 'needs: domain-xml in BERTH_TEST_DATA';

/** One recorded XML file; not all of them are domains, and some are not even XML. */
export interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every recorded file, packed ones too. */
export function domainSamples(): readonly Sample[] {
  const plain = readdirSync(path.join(FOLDER, 'real-world')).map((name) => ({
    name,
    bytes: readFileSync(path.join(FOLDER, 'real-world', name)),
  }));
  const packed = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.tar.gz'))
    .flatMap((name) => readTarGz(path.join(FOLDER, name)))
    .filter((entry) => entry.link === undefined && entry.name.endsWith('.xml'));
  return [...plain, ...packed];
}
