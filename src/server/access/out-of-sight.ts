/** Whether a name is that of a VM that is there. `hidden`: of one that a caller may not know of. */
export type SightOf = (name: string) => 'seen' | 'hidden' | 'none';

type Fields = Readonly<Record<string, unknown>>;

/** Keys under which names of VMs stand. */
const NAMES: ReadonlySet<string> = new Set(['heldBy', 'vms']);
/** What a caller has written itself, and where its VM sits. */
const OWN: ReadonlySet<string> = new Set(['vm', 'name', 'spec', 'placement', 'instance', 'code']);
const ANOTHER = 'another VM';

/**
 * An answer of the API without the names of VMs that its reader may not know of, in what tells of more
 * than the VM that was asked for: problems, plans, errors of operations, and conflicts.
 */
export function withoutHidden(answer: unknown, sightOf: SightOf): unknown {
  if (!isFields(answer)) return answer;
  if ('code' in answer && 'detail' in answer) return problemWithout(answer, sightOf);
  if (answer['placed'] === false) return fieldsWithout(answer, sightOf);
  const changed = Object.entries(answer).map(([key, value]): [string, unknown] => {
    if (key === 'plan' || key === 'error') return [key, withoutHidden(value, sightOf)];
    if (key === 'conflicts') return [key, valueWithout(value, sightOf)];
    if (key !== 'operations' || !Array.isArray(value)) return [key, value];
    return [key, value.map((each) => withoutHidden(each, sightOf))];
  });
  return Object.fromEntries(changed);
}

/** What there is instead of something that is not there is not told either. */
function problemWithout(problem: Fields, sightOf: SightOf): Fields {
  const told = fieldsWithout(problem, sightOf);
  const { data } = problem;
  if (!isFields(data) || !Array.isArray(data['known']) || data['known'].length === 0) return told;
  const hint = 'what there is instead is not told to those who see some VMs alone';
  return { ...told, hint, data: { ...fieldsWithout(data, sightOf), known: [] } };
}

function valueWithout(value: unknown, sightOf: SightOf): unknown {
  if (typeof value === 'string') return textWithout(value, [], sightOf);
  if (Array.isArray(value)) {
    return value
      .filter((each) => !movesHidden(each, sightOf))
      .map((each) => valueWithout(each, sightOf));
  }
  return isFields(value) ? fieldsWithout(value, sightOf) : value;
}

function fieldsWithout(fields: Fields, sightOf: SightOf): Fields {
  const names = Object.entries(fields).flatMap(([key, value]) =>
    NAMES.has(key) && Array.isArray(value) ? value.map(String) : [],
  );
  const hidden = names.filter((name) => sightOf(name) !== 'seen');
  const told = Object.entries(fields).map(([key, value]): [string, unknown] => {
    if (OWN.has(key)) return [key, value];
    if (NAMES.has(key) && Array.isArray(value)) return [key, seenAmong(value.map(String), sightOf)];
    if (typeof value === 'string') return [key, textWithout(value, hidden, sightOf)];
    return [key, valueWithout(value, sightOf)];
  });
  return Object.fromEntries(told);
}

/** Those that are seen, and how many others there are: also such as have no domain yet. */
function seenAmong(names: readonly string[], sightOf: SightOf): readonly string[] {
  const seen = names.filter((name) => sightOf(name) === 'seen');
  const others = names.length - seen.length;
  if (others === 0) return seen;
  return [...seen, others === 1 ? ANOTHER : `${others} other VMs`];
}

/** Word by word: a name stands between characters that names do not have, or ends a sentence. */
function textWithout(text: string, hidden: readonly string[], sightOf: SightOf): string {
  const listed = hidden.reduce((rest, name) => rest.replaceAll(name, ANOTHER), text);
  return listed.replaceAll(/[A-Za-z0-9][A-Za-z0-9._-]*/g, (word) => {
    const bare = word.replace(/\.+$/, '');
    if (sightOf(word) === 'hidden') return ANOTHER;
    return sightOf(bare) === 'hidden' ? `${ANOTHER}${word.slice(bare.length)}` : word;
  });
}

function movesHidden(change: unknown, sightOf: SightOf): boolean {
  const moves = isFields(change) ? change['moves'] : undefined;
  if (!Array.isArray(moves)) return false;
  return moves.some((move) => isFields(move) && sightOf(String(move['vm'])) !== 'seen');
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
