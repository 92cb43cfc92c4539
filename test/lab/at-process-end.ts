const hooks: (() => void)[] = [];

/**
 * Runs something when this process ends, by itself or by a signal that a person or a runner sends.
 * It must do its work at once: a process that exits cannot wait.
 */
export function atProcessEnd(hook: () => void): void {
  if (hooks.length === 0) listen();
  hooks.push(hook);
}

function listen(): void {
  process.on('exit', runAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      runAll();
      process.kill(process.pid, signal);
    });
  }
}

function runAll(): void {
  for (const hook of hooks.splice(0)) hook();
}
