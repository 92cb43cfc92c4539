import type { XmlElement } from './element.ts';
import { readFilterReference, type FilterReference } from './switch-port.ts';
import { flagAttribute, frozen, refuseValue, signedIntegerAttribute, textOf } from './value.ts';

/** What Berth reads of a network filter, `<filter>`. */
export interface NwFilterXml {
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  /** root, mac, arp, ipv4 ..., or one of these with a suffix. */
  readonly chain: string | undefined;
  /** From -1000 to 1000; chains with less come first. */
  readonly priority: number | undefined;
  /** Rules and references to other filters, in order. */
  readonly entries: readonly NwFilterEntry[];
}

/** What a filter consists of: rules, and other filters that it takes in. */
export type NwFilterEntry =
  ({ readonly kind: 'reference' } & FilterReference) | ({ readonly kind: 'rule' } & NwFilterRule);

/** A `<rule>`: what is done with frames that all of its conditions hold for. */
export interface NwFilterRule {
  /** drop, reject, accept, return or continue. */
  readonly action: string | undefined;
  /** in, out or inout, seen from the guest. */
  readonly direction: string | undefined;
  /** From -1000 to 1000; rules with less come first; 500 where it is not told. */
  readonly priority: number | undefined;
  /** False where connections are not tracked. */
  readonly stateMatch: boolean | undefined;
  readonly conditions: readonly NwFilterCondition[];
}

/** What a frame must be: a protocol, and the values that its fields must have. */
export interface NwFilterCondition {
  /** mac, arp, ip, ipv6, tcp, udp, all ... */
  readonly protocol: string;
  /** True for `match='no'`: frames with these values are the ones it does not hold for. */
  readonly negated: boolean;
  /** As written; `$NAME` is a variable. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Reads a network filter.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readNwFilter(root: XmlElement): NwFilterXml {
  if (root.name !== 'filter') refuseValue(root, `the root is <${root.name}>`, 'a <filter>');
  return frozen({
    name: root.attribute('name'),
    uuid: textOf(root.child('uuid')),
    chain: root.attribute('chain'),
    priority: signedIntegerAttribute(root, 'priority'),
    entries: root.elements.flatMap(readEntry),
  });
}

function readEntry(entry: XmlElement): readonly NwFilterEntry[] {
  if (entry.name === 'filterref') return [{ kind: 'reference', ...readFilterReference(entry) }];
  return entry.name === 'rule' ? [{ kind: 'rule', ...readRule(entry) }] : [];
}

function readRule(rule: XmlElement): NwFilterRule {
  return {
    action: rule.attribute('action'),
    direction: rule.attribute('direction'),
    priority: signedIntegerAttribute(rule, 'priority'),
    stateMatch: stateMatchOf(rule),
    conditions: rule.elements.map((condition) => ({
      protocol: condition.name,
      negated: flagAttribute(condition, 'match') === false,
      fields: Object.fromEntries(
        condition.attributes
          .filter(({ name }) => name !== 'match')
          .map(({ name, value }) => [name, value]),
      ),
    })),
  };
}

/** libvirt reads 0 and 1 here as well. */
function stateMatchOf(rule: XmlElement): boolean | undefined {
  const word = rule.attribute('statematch')?.toLowerCase();
  if (word === '1' || word === 'true') return true;
  return word === '0' || word === 'false' ? false : undefined;
}
