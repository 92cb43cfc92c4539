import { formatSize, MIB } from '../base/units.ts';

/**
 * Two sizes that are compared in one sentence. Where both round to the same words, they are told
 * more exactly: "4 GiB left, 4 GiB needed" explains nothing.
 */
export function sizes(one: number, other: number): readonly [string, string] {
  const forms = [formatSize, inMiB].map((form) => [form(one), form(other)] as const);
  return forms.find(([a, b]) => a !== b || one === other) ?? [`${one} bytes`, `${other} bytes`];
}

function inMiB(bytes: number): string {
  return `${Math.round((bytes / MIB) * 10) / 10} MiB`;
}

/** "1 pCPU", "2 pCPUs": a number with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** "cell 1", "cells 0-2": a noun with the set it names, which is written already. */
export function named(noun: string, ids: string): string {
  return /[-,]/.test(ids) ? `${noun}s ${ids}` : `${noun} ${ids}`;
}

/** "cell 1 has", "cells 0-2 together have". */
export function has(subject: string): string {
  return `${subject} ${subject.startsWith('cells ') ? 'have' : 'has'}`;
}
