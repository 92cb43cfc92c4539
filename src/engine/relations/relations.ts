import type { HostSnapshot, Seat } from '../../model/host.ts';
import type { AffinityRule, SpreadRule } from '../../model/relation.ts';
import { labelPairs } from '../../model/relation.ts';
import type { Ledger } from '../ledger.ts';
import type { BrokenLimit } from '../refusal.ts';
import type { PlacementRequest } from '../request.ts';
import { mayUse } from './host-rules.ts';
import { KeeperIndex } from './keepers.ts';
import type { Places } from './places.ts';
import { NO_PLACE, placesOver } from './places.ts';
import {
  affinityLimit,
  antiAffinityLimit,
  keptAwayLimit,
  noPlaceLimit,
  spreadLimit,
} from './relation-limits.ts';
import { VmIndex } from './vm-index.ts';

/** What the VMs that are there say to one more on one host. */
export interface RelationVerdict {
  /** Hard rules that are broken, with the VMs in the way. */
  readonly broken: readonly BrokenLimit[];
  /** How well the soft rules are met, 0 to 1; absent where there is none. */
  readonly wishes?: number;
}

/**
 * The relations between the VMs of a fleet: who is near whom, by labels. Kept up to date seat by
 * seat, so that a question costs the rules of the request and not the VMs there are. A VM that is
 * placed again must have left before it asks.
 */
export class Relations {
  readonly #hosts: readonly HostSnapshot[];
  /** Whether a request that names no host has a choice of them all the same. */
  readonly #isAnyClosed: boolean;
  readonly #places = new Map<string, Places>();
  readonly #vms: VmIndex;
  readonly #keepers: KeeperIndex;
  /** Places over a word that a request with a choice of hosts may use. */
  readonly #choices = new WeakMap<PlacementRequest, Map<string, ReadonlySet<number>>>();

  /** Knows the labels of the hosts; their seats are to be entered. */
  constructor(hosts: readonly HostSnapshot[]) {
    this.#hosts = hosts;
    this.#isAnyClosed = hosts.some(({ closed }) => closed !== undefined);
    const placesOf = (over: string): Places => this.#placesOf(over);
    this.#vms = new VmIndex(hosts.length, placesOf);
    this.#keepers = new KeeperIndex(placesOf);
  }

  /** Enters the seat of a VM on the host at that index. */
  enter(host: number, seat: Seat): void {
    this.#vms.enter(host, seat);
    this.#keepers.enter(host, seat);
  }

  /** Takes a seat out again, as it was entered. */
  leave(host: number, seat: Seat): void {
    this.#vms.leave(host, seat);
    this.#keepers.leave(host, seat);
  }

  /** Whether the answer for some host may depend on the VMs that are there. */
  concerns(request: PlacementRequest): boolean {
    const { affinity = [], antiAffinity = [], spread = [], labels } = request;
    const rules = affinity.length + antiAffinity.length + spread.length;
    return rules > 0 || (labels !== undefined && this.#keepers.concerns(labelPairs(labels)));
  }

  /** Whether no hard rule is broken on the host, of the request or of the VMs that are there. */
  allows(host: number, request: PlacementRequest): boolean {
    const { affinity = [], antiAffinity = [], spread = [], labels } = request;
    return (
      affinity.every((rule) => !rule.hard || this.#isNear(host, rule, request)) &&
      antiAffinity.every((rule) => !rule.hard || this.#near(host, rule) === 0) &&
      spread.every((rule) => !rule.hard || this.#ahead(host, rule, request) <= rule.maxSkew) &&
      (labels === undefined || !this.#keepers.keep(host, labelPairs(labels)))
    );
  }

  /** How well the host meets the soft rules, 0 to 1; undefined where the request has none. */
  wish(host: number, request: PlacementRequest): number | undefined {
    const { affinity = [], antiAffinity = [], spread = [] } = request;
    const values = [
      ...affinity.filter(isSoft).map((rule) => this.#affinityWish(host, rule)),
      ...antiAffinity.filter(isSoft).map((rule) => 1 / (1 + this.#near(host, rule))),
      ...spread.filter(isSoft).map((rule) => this.#spreadWish(host, rule, request)),
    ];
    if (values.length === 0) return undefined;
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  }

  /** The same with reasons: every broken rule and who is in the way. */
  verdict(host: number, request: PlacementRequest): RelationVerdict {
    const { affinity = [], antiAffinity = [], spread = [], labels } = request;
    const wishes = this.wish(host, request);
    const broken = [
      ...affinity.flatMap((rule) => this.#affinityLimits(host, rule, request)),
      ...antiAffinity.flatMap((rule) => this.#antiAffinityLimits(host, rule)),
      ...spread.flatMap((rule) => this.#spreadLimits(host, rule, request)),
      ...this.#keepers
        .against(host, labelPairs(labels))
        .map((keepers) => keptAwayLimit(keepers, this.#placesOf(keepers.over))),
    ];
    return { broken, ...(wishes === undefined ? {} : { wishes }) };
  }

  #placesOf(over: string): Places {
    const places = this.#places.get(over) ?? placesOver(this.#hosts, over);
    this.#places.set(over, places);
    return places;
  }

  #placeOf(host: number, over: string): number {
    return this.#placesOf(over).of[host] ?? NO_PLACE;
  }

  /** How many VMs of a rule are in the host's place; 0 where it is in none. */
  #near(host: number, { over, selector }: AffinityRule): number {
    return this.#vms.countOf(over, selector).at(this.#placeOf(host, over));
  }

  /** The first of its kind may be anywhere that is a place. */
  #isNear(host: number, rule: AffinityRule, { labels }: PlacementRequest): boolean {
    if (this.#near(host, rule) > 0) return true;
    const isFirst = this.#vms.countOf(rule.over, rule.selector).total === 0;
    return (
      isFirst &&
      labelPairs(labels).includes(rule.selector) &&
      this.#placeOf(host, rule.over) !== NO_PLACE
    );
  }

  #affinityWish(host: number, rule: AffinityRule): number {
    const nobody = this.#vms.countOf(rule.over, rule.selector).total === 0;
    return nobody || this.#near(host, rule) > 0 ? 1 : 0;
  }

  #spreadWish(host: number, rule: SpreadRule, request: PlacementRequest): number {
    return Math.min(1, rule.maxSkew / Math.max(1, this.#ahead(host, rule, request)));
  }

  /** By how many VMs the host's place would be ahead of the one with the fewest. */
  #ahead(host: number, rule: SpreadRule, request: PlacementRequest): number {
    const place = this.#placeOf(host, rule.over);
    if (place === NO_PLACE) return Number.POSITIVE_INFINITY;
    return this.#after(place, rule, request) - this.#least(rule, request);
  }

  /** VMs of the rule in a place with the new one. */
  #after(place: number, { over, selector }: SpreadRule, { labels }: PlacementRequest): number {
    const counts = selector === undefined || labelPairs(labels).includes(selector);
    return this.#vms.countOf(over, selector).at(place) + (counts ? 1 : 0);
  }

  /** The fewest VMs of the rule in a place that the request may use. */
  #least({ over, selector }: SpreadRule, request: PlacementRequest): number {
    const count = this.#vms.countOf(over, selector);
    const choice = this.#choiceOf(request, over);
    if (choice === undefined) return count.least;
    let least = Number.POSITIVE_INFINITY;
    for (const place of choice) least = Math.min(least, count.at(place));
    return least;
  }

  /** The places that a request may use; undefined for every one. */
  #choiceOf(request: PlacementRequest, over: string): ReadonlySet<number> | undefined {
    const { hosts, hostLabels, excludeHosts, networks } = request;
    const names = hosts.length + (excludeHosts?.length ?? 0) + (networks?.length ?? 0);
    if (names === 0 && hostLabels === undefined && !this.#isAnyClosed) return undefined;
    const known = this.#choices.get(request) ?? new Map<string, ReadonlySet<number>>();
    const places = known.get(over) ?? this.#placesToUse(request, over);
    this.#choices.set(request, known.set(over, places));
    return places;
  }

  #placesToUse(request: PlacementRequest, over: string): ReadonlySet<number> {
    const { of } = this.#placesOf(over);
    const usable = of.filter((_, index) => {
      const host = this.#hosts[index];
      return host !== undefined && mayUse(host, request);
    });
    return new Set(usable.filter((place) => place !== NO_PLACE));
  }

  #affinityLimits(
    host: number,
    rule: AffinityRule,
    request: PlacementRequest,
  ): readonly BrokenLimit[] {
    if (!rule.hard || this.#isNear(host, rule, request)) return [];
    const places = this.#placesOf(rule.over);
    const place = this.#placeOf(host, rule.over);
    if (place === NO_PLACE) return [noPlaceLimit('affinity', this.#nameOf(host), rule)];
    return [affinityLimit(rule, places.say(place))];
  }

  #antiAffinityLimits(host: number, rule: AffinityRule): readonly BrokenLimit[] {
    if (!rule.hard || this.#near(host, rule) === 0) return [];
    const place = this.#placeOf(host, rule.over);
    const vms = this.#vms.names(rule.over, rule.selector, place);
    return [antiAffinityLimit(rule, this.#placesOf(rule.over).say(place), vms)];
  }

  #spreadLimits(host: number, rule: SpreadRule, request: PlacementRequest): readonly BrokenLimit[] {
    if (!rule.hard || this.#ahead(host, rule, request) <= rule.maxSkew) return [];
    const place = this.#placeOf(host, rule.over);
    if (place === NO_PLACE) return [noPlaceLimit('spread', this.#nameOf(host), rule)];
    const { over, selector } = rule;
    return [
      spreadLimit(rule, {
        place: this.#placesOf(over).say(place),
        after: this.#after(place, rule, request),
        least: this.#least(rule, request),
        vms: selector === undefined ? [] : this.#vms.names(over, selector, place),
      }),
    ];
  }

  #nameOf(host: number): string {
    return this.#hosts[host]?.name ?? '';
  }
}

/** The relations between the VMs of books that are open. */
export function relationsOf(ledgers: readonly Ledger[]): Relations {
  const relations = new Relations(ledgers.map(({ host }) => host));
  for (const [index, ledger] of ledgers.entries()) {
    for (const seat of ledger.seats.values()) relations.enter(index, seat);
  }
  return relations;
}

function isSoft({ hard }: { readonly hard: boolean }): boolean {
  return !hard;
}
