import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import { fleetDriftView, fleetPlanView, vmDriftView } from './declare.ts';
import type { DriftView } from './change.ts';
import type { FleetDriftView, FleetPlanView } from './declare.ts';
import { changedHosts } from './host-change.ts';
import type { HostChange, HostFilter } from './host-change.ts';
import { followEvents } from './event-feed.ts';
import type { SeenEvent } from './event-feed.ts';
import type { EventFilter } from './events.ts';
import { allOfPages, walkPages } from './paging.ts';
import type { Page, PageAsk } from './paging.ts';
import { auditPage, createdToken, tokenList, tokenView, whoamiView } from './access.ts';
import type {
  AuditPage,
  AuditQuery,
  CreatedToken,
  TokenView,
  TokenWish,
  WhoamiView,
} from './access.ts';
import { historyView, hostUsageList, vmUsageList } from './metrics.ts';
import type { HistoryQuery, HistoryView, HostUsageList, UsageAsk, VmUsageList } from './metrics.ts';
import type { OperationQuery } from './operation-query.ts';
import { errorOf } from './problem.ts';
import {
  hostPage,
  hostRemoval,
  hostSummary,
  hostView,
  operationPage,
  operationView,
  planView,
  serverView,
  vmPage,
  vmView,
  whyView,
} from './resources.ts';
import type {
  HostRemoval,
  HostSummary,
  HostView,
  OperationView,
  PlanView,
  ServerView,
  VmSummary,
  VmView,
  WhyView,
} from './resources.ts';
import { Transport } from './transport.ts';
import { untilAnswered } from './until-answered.ts';
import type { ServerAddress } from './server-address.ts';
import type { Method } from './transport.ts';
import type { VmFilter } from './vm-query.ts';
import type { VmDocument } from './vm-spec.ts';

const WAIT_SLICE_MS = 20_000;
/** The server writes into a stream of events every 15 s, whether anything happens or not. */
const EVENTS_IDLE_MS = 45_000;

/** A typed client of the HTTP API. Every error is a BerthError. */
export class Client {
  readonly #transport: Transport;

  constructor(address: ServerAddress) {
    this.#transport = new Transport(address);
  }

  async server(signal?: AbortSignal): Promise<ServerView> {
    return this.#call('GET', '/api/v1/server', serverView, { signal });
  }

  /** Every host that is asked for, by name. */
  async hosts(signal?: AbortSignal, filter: HostFilter = {}): Promise<readonly HostSummary[]> {
    return allOfPages(async (page) => this.hostPage(page, signal, filter));
  }

  /** One page of the hosts. */
  async hostPage(
    page: PageAsk = {},
    signal?: AbortSignal,
    filter: HostFilter = {},
  ): Promise<Page<HostSummary>> {
    const path = `/api/v1/hosts${queryText({ ...page, ...filter })}`;
    const { hosts: items, next } = await this.#call('GET', path, hostPage, { signal });
    return { items, next };
  }

  async host(name: string, signal?: AbortSignal): Promise<HostView> {
    return this.#call('GET', `/api/v1/hosts/${encodeURIComponent(name)}`, hostView, { signal });
  }

  /** Registers a host; the same name and URI again is no error. */
  async addHost(
    host: { name: string; uri: string } & HostChange,
    signal?: AbortSignal,
  ): Promise<HostSummary> {
    return this.#call('POST', '/api/v1/hosts', hostSummary, { body: host, signal });
  }

  /** Changes labels and settings of a host; null takes a label away, or sets the default again. */
  async changeHost(name: string, change: HostChange, signal?: AbortSignal): Promise<HostSummary> {
    const path = `/api/v1/hosts/${encodeURIComponent(name)}`;
    return this.#call('PATCH', path, hostSummary, { body: change, signal });
  }

  /** The same for every host that the label selector takes now. @returns their names */
  async changeHosts(
    labels: string,
    change: HostChange,
    signal?: AbortSignal,
  ): Promise<readonly string[]> {
    const path = `/api/v1/hosts${queryText({ labels })}`;
    return (await this.#call('PATCH', path, changedHosts, { body: change, signal })).hosts;
  }

  /**
   * Lets the server forget a host; nothing on the host itself is touched. Refused while operations
   * work on it or VMs of Berth's are there, but with `force`.
   */
  async removeHost(
    name: string,
    options: { readonly force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<HostRemoval> {
    const path = `/api/v1/hosts/${encodeURIComponent(name)}?force=${options.force ?? false}`;
    return this.#call('DELETE', path, hostRemoval, { signal });
  }

  /** Every VM and foreign domain that is asked for, by name unless sorted otherwise. */
  async vms(filter: VmFilter = {}, signal?: AbortSignal): Promise<readonly VmSummary[]> {
    return allOfPages(async (page) => this.vmPage(filter, page, signal));
  }

  /** The same one by one; pages are asked for as they are needed. */
  eachVm(filter: VmFilter = {}, signal?: AbortSignal): AsyncIterable<VmSummary> {
    return walkPages(async (page) => this.vmPage(filter, page, signal));
  }

  /** One page of them. */
  async vmPage(
    filter: VmFilter = {},
    page: PageAsk = {},
    signal?: AbortSignal,
  ): Promise<Page<VmSummary>> {
    const path = `/api/v1/vms${queryText({ ...filter, ...page })}`;
    const { vms: items, next } = await this.#call('GET', path, vmPage, { signal });
    return { items, next };
  }

  async vm(name: string, signal?: AbortSignal): Promise<VmView> {
    return this.#call('GET', vmPath(name), vmView, { signal });
  }

  async why(name: string, signal?: AbortSignal): Promise<WhyView> {
    return this.#call('GET', `${vmPath(name)}/why`, whyView, { signal });
  }

  /** Where a VM would sit now; claims nothing. */
  async plan(document: VmDocument, signal?: AbortSignal): Promise<PlanView> {
    return this.#call('POST', '/api/v1/plan', planView, { body: document, signal });
  }

  /** Begins to create a VM; follow the operation with `wait`. */
  async createVm(
    document: VmDocument,
    options: { readonly start: boolean },
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `/api/v1/vms?start=${options.start}`;
    return this.#begin('POST', path, { body: document, signal });
  }

  /** What would become of the fleet by documents; changes nothing. */
  async planFleet(
    wish: { readonly documents: readonly VmDocument[]; readonly prune?: string },
    signal?: AbortSignal,
  ): Promise<FleetPlanView> {
    return this.#call('POST', '/api/v1/plans', fleetPlanView, { body: wish, signal });
  }

  /** The VMs that are not as their documents say. */
  async fleetDrift(signal?: AbortSignal): Promise<FleetDriftView> {
    return this.#call('GET', '/api/v1/drift', fleetDriftView, { signal });
  }

  /** The VMs that use most at present. */
  async vmUsage(ask: UsageAsk = {}, signal?: AbortSignal): Promise<VmUsageList> {
    const path = `/api/v1/usage/vms${queryText({ ...ask })}`;
    return this.#call('GET', path, vmUsageList, { signal });
  }

  /** The hosts that are used most at present. */
  async hostUsage(ask: UsageAsk = {}, signal?: AbortSignal): Promise<HostUsageList> {
    const path = `/api/v1/usage/hosts${queryText({ ...ask })}`;
    return this.#call('GET', path, hostUsageList, { signal });
  }

  /** What a VM used over time. */
  async vmHistory(
    name: string,
    ask: HistoryQuery = {},
    signal?: AbortSignal,
  ): Promise<HistoryView> {
    const path = `${vmPath(name)}/history${historyText(ask)}`;
    return this.#call('GET', path, historyView, { signal });
  }

  /** What a host used over time. */
  async hostHistory(
    name: string,
    ask: HistoryQuery = {},
    signal?: AbortSignal,
  ): Promise<HistoryView> {
    const path = `/api/v1/hosts/${encodeURIComponent(name)}/history${historyText(ask)}`;
    return this.#call('GET', path, historyView, { signal });
  }

  /** How one VM is not as its document says. */
  async drift(name: string, signal?: AbortSignal): Promise<readonly DriftView[]> {
    return (await this.#call('GET', `${vmPath(name)}/drift`, vmDriftView, { signal })).drift;
  }

  /** Begins to make a VM as a document says; what its guest needs a restart for only with `restart`. */
  async updateVm(
    document: VmDocument,
    options: { readonly restart?: boolean; readonly force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const { restart = false, force = false } = options;
    const path = `${vmPath(document.metadata.name)}?restart=${restart}&force=${force}`;
    return this.#begin('PUT', path, { body: document, signal });
  }

  /** Begins to take a domain in that Berth did not make: nothing of it changes but Berth's labels. */
  async adoptVm(
    name: string,
    labels: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<OperationView> {
    return this.#begin('POST', `${vmPath(name)}/adopt`, { body: labels, signal });
  }

  /** Begins to change labels of a VM; null takes one away. */
  async labelVm(
    name: string,
    labels: Readonly<Record<string, string | null>>,
    signal?: AbortSignal,
  ): Promise<OperationView> {
    return this.#begin('PATCH', `${vmPath(name)}/labels`, { body: labels, signal });
  }

  /** Begins start, stop, reboot, pause or resume. `force` pulls the plug instead of asking the guest. */
  async act(
    name: string,
    action: 'start' | 'stop' | 'reboot' | 'pause' | 'resume',
    options: { readonly force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `${vmPath(name)}/${action}?force=${options.force ?? false}`;
    return this.#begin('POST', path, { signal });
  }

  /** Begins to remove a VM with the disks Berth made for it; a running one only with `force`. */
  async removeVm(
    name: string,
    options: { readonly force: boolean; readonly foreign?: boolean },
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `${vmPath(name)}?force=${options.force}&foreign=${options.foreign ?? false}`;
    return this.#begin('DELETE', path, { signal });
  }

  /** The newest operations, newest first: as many as a page has where nothing is said. */
  async operations(signal?: AbortSignal): Promise<readonly OperationView[]> {
    return (await this.operationPage({}, signal)).items;
  }

  /** One page of the operations that are asked for, newest first. */
  async operationPage(
    page: PageAsk & OperationQuery = {},
    signal?: AbortSignal,
  ): Promise<Page<OperationView>> {
    const path = `/api/v1/operations${queryText({ ...page })}`;
    const { operations: items, next } = await this.#call('GET', path, operationPage, { signal });
    return { items, next };
  }

  async operation(id: string, signal?: AbortSignal): Promise<OperationView> {
    return this.#call('GET', operationPath(id), operationView, { signal });
  }

  /** Cancels an operation: it is taken back; follow that with `wait`. */
  async cancelOperation(id: string, signal?: AbortSignal): Promise<OperationView> {
    return this.#begin('POST', `${operationPath(id)}/cancel`, { signal });
  }

  /**
   * Follows an operation to its end, telling each change; returns its last state, whatever it is.
   * One that failed and is taken back only when something else happens (`waitsFor`, such as a host
   * that comes back) is not waited for: the server goes on with it by itself.
   * The operation goes on in the server when the signal aborts the waiting.
   */
  async wait(
    operation: OperationView,
    onChange: (operation: OperationView) => void,
    signal?: AbortSignal,
  ): Promise<OperationView> {
    let last = operation;
    onChange(last);
    while (last.state === 'running' && last.waitsFor === undefined) {
      const path = `/api/v1/operations/${last.id}?after=${last.revision}&waitMs=${WAIT_SLICE_MS}`;
      const look = async (): Promise<OperationView> =>
        this.#call('GET', path, operationView, { signal });
      const next = await untilAnswered(look, { wasThere: true, signal });
      if (next.revision !== last.revision) onChange(next);
      last = next;
    }
    return last;
  }

  /**
   * What happens from now on, or from behind an event that was seen; comes back by itself when the
   * server goes away. A `resync` says that some may be missed: list again.
   * @throws what the server refuses with; BERTH_SERVER_UNREACHABLE at the beginning
   */
  events(
    filter: EventFilter = {},
    options: {
      readonly after?: string | undefined;
      readonly signal?: AbortSignal | undefined;
    } = {},
  ): AsyncIterable<SeenEvent> {
    const path = `/api/v1/events${queryText({ ...filter })}`;
    const { after, signal } = options;
    return followEvents(async (last) => this.#openEvents(path, last, signal), after, signal);
  }

  async #openEvents(
    path: string,
    after: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    const headers: Record<string, string> = after === undefined ? {} : { 'last-event-id': after };
    const stream = await this.#transport.stream(path, { headers, idleMs: EVENTS_IDLE_MS, signal });
    if (stream.statusCode === 200) return stream;
    throw (
      errorOf(await bodyOf(stream)) ??
      this.#transport.unreachable(`it answered ${stream.statusCode}`)
    );
  }

  /** Waits until the server answers; for the moment after it was started. */
  async ready(deadlineMs: number, signal?: AbortSignal): Promise<ServerView> {
    const pauseMs = 50;
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      try {
        return await this.server(signal);
      } catch (error) {
        if (waitedMs >= deadlineMs || signal?.aborted === true) throw error;
      }
      await sleep(pauseMs);
    }
  }

  /**
   * Opens the serial console of a running VM: binary messages are bytes, both ways; the server
   * closes with code 4000 and the registry's text as reason when it cannot go on.
   * `force` takes the console from whoever has it.
   */
  openConsole(name: string, options: { readonly force: boolean }): WebSocket {
    const path = `${vmPath(name)}/console?force=${options.force}`;
    return this.#transport.open(path);
  }

  /** Who this client is to the server. */
  async whoami(signal?: AbortSignal): Promise<WhoamiView> {
    return this.#call('GET', '/api/v1/whoami', whoamiView, { signal });
  }

  async tokens(signal?: AbortSignal): Promise<readonly TokenView[]> {
    return (await this.#call('GET', '/api/v1/tokens', tokenList, { signal })).tokens;
  }

  /** Makes a token; its text is told this once. */
  async createToken(wish: TokenWish, signal?: AbortSignal): Promise<CreatedToken> {
    return this.#call('POST', '/api/v1/tokens', createdToken, { body: wish, signal });
  }

  /** Revokes a token at once. */
  async removeToken(name: string, signal?: AbortSignal): Promise<TokenView> {
    const path = `/api/v1/tokens/${encodeURIComponent(name)}`;
    return this.#call('DELETE', path, tokenView, { signal });
  }

  /** A page of the audit log, newest first. */
  async audit(query: AuditQuery = {}, signal?: AbortSignal): Promise<AuditPage> {
    return this.#call('GET', `/api/v1/audit${queryText({ ...query })}`, auditPage, { signal });
  }

  /** Asks for an operation, and asks again under the same key when the answer is lost. */
  async #begin(
    method: Method,
    path: string,
    options: { readonly body?: unknown; readonly signal: AbortSignal | undefined },
  ): Promise<OperationView> {
    const key = randomUUID();
    const ask = async (): Promise<OperationView> =>
      this.#call(method, path, operationView, { ...options, key });
    return untilAnswered(ask, { wasThere: false, signal: options.signal });
  }

  async #call<T>(
    method: Method,
    path: string,
    shape: z.ZodType<T>,
    options: {
      readonly body?: unknown;
      readonly key?: string;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<T> {
    const { status, body } = await this.#transport.exchange(method, path, options);
    if (status >= 400) throw errorOf(body) ?? this.#transport.unreachable(`it answered ${status}`);
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data;
    throw this.#transport.unreachable(
      `its answer to ${method} ${path} is not understood; update both sides`,
    );
  }
}

/** What an answer says that is no stream. */
async function bodyOf(stream: IncomingMessage): Promise<unknown> {
  try {
    return await json(stream);
  } catch {
    return undefined;
  }
}

/** The query of a path: only what is given. */
function queryText(
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) query.set(key, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

function historyText({ series, ...rest }: HistoryQuery): string {
  return queryText({ ...rest, ...(series === undefined ? {} : { series: series.join() }) });
}

function operationPath(id: string): string {
  return `/api/v1/operations/${encodeURIComponent(id)}`;
}

function vmPath(name: string): string {
  return `/api/v1/vms/${encodeURIComponent(name)}`;
}
