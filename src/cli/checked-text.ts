/**
 * What a verification compared, short enough for a line: `vcpu 0 affinity (kernel)` and its like for
 * every vCPU become `kernel: 8 vCPUs`.
 */
export function checkedText(checked: readonly string[]): string {
  const bySource = new Map<string, string[]>();
  for (const check of checked) {
    const [, what = check, source = ''] = /^(.*) \((\w+)\)$/.exec(check) ?? [];
    bySource.set(source, [...(bySource.get(source) ?? []), what]);
  }
  return [...bySource].map(([source, checks]) => sourceText(source, checks)).join('; ');
}

function sourceText(source: string, checks: readonly string[]): string {
  const vcpus = checks.filter((what) => /^vcpu \d+ affinity$/.test(what));
  const others = checks.filter((what) => !vcpus.includes(what));
  const count = vcpus.length === 1 ? '1 vCPU' : `${vcpus.length} vCPUs`;
  const told = [...(vcpus.length === 0 ? [] : [count]), ...others].join(', ');
  return source === '' ? told : `${source}: ${told}`;
}
