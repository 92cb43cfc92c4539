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
