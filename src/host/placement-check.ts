import { isPciAddress } from '../model/pci-function.ts';
import type { Placement } from '../model/placement.ts';

/**
 * Checks a placement that comes from a domain's metadata, which anybody who may change the domain
 * can write: everything that is computed from it later relies on its shape.
 */
export function isPlacement(value: unknown): value is Placement {
  return isWholePlacement(value);
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isOne =
  (...words: readonly string[]): Check =>
  (value) =>
    words.some((word) => word === value);
const isListOf =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const isPerhaps =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isRecordOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([key, check]) => check((value as Record<string, unknown>)[key]));

const isNumbers = isListOf(isNumber);

const isWholePlacement = isRecordOf({
  host: isText,
  policy: isOne('shared', 'dedicated', 'mixed'),
  cells: isNumbers,
  cpuset: isPerhaps(isNumbers),
  vcpus: isListOf(isRecordOf({ vcpu: isNumber, pcpus: isNumbers })),
  emulator: isNumbers,
  ioThreads: isPerhaps(isListOf(isRecordOf({ id: isNumber, pcpus: isNumbers }))),
  dedicated: isPerhaps(isNumbers),
  blocked: isNumbers,
  pci: isPerhaps(
    isListOf(
      isRecordOf({
        address: (value) => typeof value === 'string' && isPciAddress(value),
        pool: isPerhaps(isText),
        cell: isPerhaps(isNumber),
        guestCell: isPerhaps(isNumber),
      }),
    ),
  ),
  memory: isListOf(isRecordOf({ cell: isPerhaps(isNumber), bytes: isNumber, pageKiB: isNumber })),
  memoryMode: isPerhaps(isOne('strict', 'preferred', 'interleave', 'restrictive')),
  guestCells: isListOf(
    isRecordOf({ id: isNumber, hostCell: isNumber, vcpus: isNumbers, bytes: isNumber }),
  ),
  guestTopology: isRecordOf({
    sockets: isNumber,
    dies: isNumber,
    cores: isNumber,
    threads: isNumber,
  }),
  overheadBytes: isNumber,
  reasons: isListOf(isText),
});
