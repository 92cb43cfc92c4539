import { berthError } from '../../base/errors.ts';
import { DEFAULT_POLICY, POLICIES, policyNamed } from '../../engine/policy/policy.ts';
import type { Policy } from '../../engine/policy/policy.ts';

/** The policies of those names, in that order; none means the default. */
export function policiesNamed(names: readonly string[] = []): readonly Policy[] {
  if (names.length === 0) return [DEFAULT_POLICY];
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    const usage = 'name each policy once: one trace has one answer';
    throw berthError('BERTH_USAGE', { problem: `--policy ${twice} is there twice`, usage });
  }
  return names.map((name) => {
    const known = policyNamed(name);
    if (known !== undefined) return known;
    throw berthError('BERTH_NOT_FOUND', {
      kind: 'policy',
      name,
      known: POLICIES.map((policy) => policy.name),
    });
  });
}
