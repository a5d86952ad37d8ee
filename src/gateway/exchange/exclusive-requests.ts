import type { ExclusiveTable } from '../../health/exclusive-table.ts';

/** A request at an own endpoint of what may be active in one region only. */
export interface ExclusiveRequest {
  /** The region is active no more. */
  lapsed(): void;
}

/**
 * Requests under way at services that are active in one region only, by exclusive set. When the
 * region stops being active, those that still send are ended: a long upload or a WebSocket would
 * go on writing. Those that the service has whole are left to it.
 */
export class ExclusiveRequests {
  readonly #bySet = new Map<number, Set<ExclusiveRequest>>();

  add(set: number, request: ExclusiveRequest): void {
    const known = this.#bySet.get(set);
    if (known) known.add(request);
    else this.#bySet.set(set, new Set([request]));
  }

  remove(set: number, request: ExclusiveRequest): void {
    const known = this.#bySet.get(set);
    known?.delete(request);
    if (known?.size === 0) this.#bySet.delete(set);
  }

  /** Looks whether the claims hold. `nowMs`: monotonic, of this moment. */
  poll(claims: ExclusiveTable, nowMs: number): void {
    for (const [set, requests] of this.#bySet) {
      if (claims.activeAt(set, nowMs)) continue;
      for (const request of [...requests]) request.lapsed();
    }
  }
}
