import { CounterBlock, count } from './counter-block.ts';
import { coarsened, octaveBoundsMs, recordFine } from './fine-histogram.ts';
import {
  axisLength,
  axisNames,
  type CounterName,
  closeCauses,
  counterNames,
  failureKinds,
  families,
  type GatewayMetricsLayout,
  httpVersions,
  statusClasses,
  statusCodes,
  withheldReasons,
} from './gateway-layout.ts';
import { recordDuration, requestBoundsMs } from './histogram.ts';

export type { GatewayMetricsLayout } from './gateway-layout.ts';

export type FailureKindName = (typeof failureKinds)[number];
export type WithheldReason = (typeof withheldReasons)[number];
export type HttpVersion = (typeof httpVersions)[number];
export type CloseCause = (typeof closeCauses)[number];

/** Requests answered, and those of them with status 5xx. */
export interface Traffic {
  readonly requests: number;
  readonly failed: number;
}

/** A request that has ended. Indices by the layout; -1: none. */
export interface RequestFigures {
  readonly route: number;
  readonly service: number;
  readonly status: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** The counters of one gateway thread. Every method is a few writes to shared memory. */
export class GatewayMetrics {
  readonly layout: GatewayMetricsLayout;
  readonly block: CounterBlock<CounterName>;
  readonly #words: Float64Array;
  readonly #first: Readonly<Record<CounterName, number>>;
  readonly #listeners: ReadonlyMap<string, number>;
  readonly #problems: ReadonlyMap<string, number>;

  /**
   * Without `buffer` new counters, all zero. With the buffer of a thread that ended,
   * counts go on from there; the connections that died with it count as closed.
   */
  constructor(layout: GatewayMetricsLayout, buffer?: SharedArrayBuffer) {
    const widths = counterNames.map((name) => [name, widthOf(layout, name)] as const);
    this.layout = layout;
    this.block = new CounterBlock(
      Object.fromEntries(widths) as Record<CounterName, number>,
      buffer,
    );
    this.#words = this.block.words;
    const first = counterNames.map((name) => [name, this.block.first(name)] as const);
    this.#first = Object.fromEntries(first) as Record<CounterName, number>;
    this.#listeners = new Map(layout.listeners.map((name, index) => [name, index]));
    this.#problems = new Map(layout.problems.map((name, index) => [name, index]));
    this.closeConnections();
  }

  get buffer(): SharedArrayBuffer {
    return this.block.buffer;
  }

  /** Adds what another object counted, by names: what only the other knows is left out. */
  absorb(other: GatewayMetrics): void {
    for (const name of counterNames) {
      const { axis, width } = families[name];
      const own = axisNames(this.layout, axis);
      let places: ReadonlyMap<string, number> | undefined;
      for (const [index, one] of axisNames(other.layout, axis).entries()) {
        let place: number | undefined = index;
        if (own[index] !== one) {
          places ??= new Map(own.map((name, at) => [name, at]));
          place = places.get(one);
        }
        if (place === undefined) continue;
        const from = other.#first[name] + index * width;
        this.#add(this.#first[name] + place * width, other.#words, from, width);
      }
    }
  }

  #add(to: number, words: Float64Array, from: number, width: number): void {
    for (let at = 0; at < width; at++) {
      const value = words[from + at];
      if (value) count(this.#words, to + at, value);
    }
  }

  traffic(): Traffic {
    const first = this.#first.responses;
    let requests = 0;
    let failed = 0;
    for (let status = 100; status < statusCodes; status++) {
      const seen = this.#words[first + status] ?? 0;
      requests += seen;
      if (status >= 500) failed += seen;
    }
    return { requests, failed };
  }

  /** What a service answered, or all of them; durations by `octaveBoundsMs`, and those above. */
  served(service?: string): Traffic & { readonly durations: readonly number[] } {
    const { width } = families.services;
    const durations = octaveBoundsMs.map(() => 0);
    durations.push(0);
    let requests = 0;
    let failed = 0;
    for (const [index, name] of this.layout.services.entries()) {
      if (service !== undefined && name !== service) continue;
      const first = this.#first.services + index * width;
      for (let at = 0; at < statusClasses; at++) requests += this.#words[first + at] ?? 0;
      failed += this.#words[first + statusClasses - 1] ?? 0;
      const fine = this.#words.subarray(first + statusClasses, first + width);
      const coarse = coarsened(fine, octaveBoundsMs);
      for (let slot = 0; slot < durations.length; slot++) durations[slot]! += coarse[slot + 1]!;
    }
    return { requests, failed, durations };
  }

  /** The thread that counted here has ended: its connections ended with it. */
  closeConnections(): void {
    const { opened, closed } = this.#first;
    this.#words.copyWithin(closed, opened, opened + this.layout.listeners.length);
  }

  // ── Requests ─────────────────────────────────────────────────────────────────────────

  /** A final response (`status` 200–599) was sent, or the client went before it. */
  request({ route, service, status, durationMs, bytesIn, bytesOut }: RequestFigures): void {
    if (status < 100 || status >= statusCodes) return;
    const words = this.#words;
    const statusClass = Math.floor(status / 100) - 1;
    count(words, this.#first.responses + status);
    const at = this.#first.routes + (route + 1) * families.routes.width;
    count(words, at + statusClass);
    count(words, at + statusClasses, bytesIn);
    count(words, at + statusClasses + 1, bytesOut);
    recordDuration(words, at + statusClasses + 2, requestBoundsMs, durationMs);
    if (service < 0) return;
    const of = this.#first.services + service * families.services.width;
    count(words, of + statusClass);
    recordFine(words, of + statusClasses, durationMs);
  }

  /** It was asked in that version of HTTP. */
  asked(version: HttpVersion): void {
    count(this.#words, this.#first.versions + httpVersions.indexOf(version));
  }

  /** The gateway answered by itself with that problem. */
  refused(problem: string): void {
    const index = this.#problems.get(problem);
    if (index !== undefined) count(this.#words, this.#first.refusals + index);
  }

  /** An endpoint has answered: the head of its response came. */
  response(endpoint: number, status: number, latencyMs: number): void {
    if (status < 100 || status >= statusCodes) return;
    const at = this.#first.endpoints + endpoint * families.endpoints.width;
    count(this.#words, at + Math.floor(status / 100) - 1);
    recordFine(this.#words, at + statusClasses, latencyMs);
  }

  /** An attempt failed at an endpoint; -1: at another region. */
  failure(endpoint: number, kind: string): void {
    const index = failureKinds.indexOf(kind as FailureKindName);
    if (index === -1) return;
    const { failures, linkFailures } = this.#first;
    const at = endpoint < 0 ? linkFailures : failures + endpoint * failureKinds.length;
    count(this.#words, at + index);
  }

  /** This thread ejected an endpoint. */
  ejected(endpoint: number): void {
    count(this.#words, this.#first.ejections + endpoint);
  }

  /** A request was sent to a further endpoint or region after a failure. */
  retried(service: number): void {
    count(this.#words, this.#first.retries + service);
  }

  /** It would have been, but for the bound on attempts or the budget of the service. */
  retryWithheld(service: number, reason: WithheldReason): void {
    const at = this.#first.withheld + service * withheldReasons.length;
    count(this.#words, at + withheldReasons.indexOf(reason));
  }

  /** A request was handed to the gateway of another region. */
  relayed(region: number): void {
    count(this.#words, this.#first.relayed + region);
  }

  // ── Connections ──────────────────────────────────────────────────────────────────────

  connectionOpened(listener: string): void {
    const index = this.#listeners.get(listener);
    if (index !== undefined) count(this.#words, this.#first.opened + index);
  }

  connectionClosed(listener: string): void {
    const index = this.#listeners.get(listener);
    if (index !== undefined) count(this.#words, this.#first.closed + index);
  }

  /** A connection was refused, or closed while it waited for a request, for want of room. */
  connectionShed(): void {
    count(this.#words, this.#first.shed);
  }

  /** The gateway ended a connection because of a limit. */
  connectionEnded(cause: string): void {
    const index = closeCauses.indexOf(cause as CloseCause);
    if (index !== -1) count(this.#words, this.#first.causes + index);
  }

  /** A connection ended before it could carry a request. */
  connectionRefused(_listener: string, why: string): void {
    this.connectionEnded(why);
  }

  /** Bytes read from clients, heads and bodies. */
  bytesIn(bytes: number): void {
    count(this.#words, this.#first.received, bytes);
  }

  /** Bytes written to clients, heads and bodies. */
  bytesOut(bytes: number): void {
    count(this.#words, this.#first.sent, bytes);
  }

  /** Lines of the access log were lost. */
  accessLogDropped(lines: number): void {
    count(this.#words, this.#first.unlogged, lines);
  }
}

function widthOf(layout: GatewayMetricsLayout, name: CounterName): number {
  const { axis, width } = families[name];
  return axisLength(layout, axis) * width;
}
