/** So long a client must have taken nothing before its response may give way. */
export const stallPatienceMs = 1_000;

/** A request whose response its client does not take at the moment. */
export interface StalledResponse {
  /** Where its connection to the upstream is from. */
  readonly pool: object | undefined;
  /** Ends it, so that the response cannot pass for a whole one. */
  giveWay(): void;
}

/**
 * The responses of a thread that wait for their clients. Each keeps a connection to an upstream, and
 * one HTTP/2 client can have a hundred of them without reading an octet. While there are
 * connections for all nobody minds; when one is missing, who has stood still longest gives way.
 *
 *   longest ─▶ [ response since 3 │ response since 7 │ … ]   a client that takes something leaves
 *                                                            the row, and is last when it stalls again
 */
export class StalledResponses {
  readonly #since = new Map<StalledResponse, number>();

  add(response: StalledResponse, nowMs: number): void {
    if (!this.#since.has(response)) this.#since.set(response, nowMs);
  }

  remove(response: StalledResponse): void {
    this.#since.delete(response);
  }

  /** Makes one of that pool give way. False: none has stalled for long enough. */
  relieve(pool: object, nowMs: number): boolean {
    for (const [response, sinceMs] of this.#since) {
      if (nowMs - sinceMs < stallPatienceMs) return false;
      if (response.pool !== pool) continue;
      this.#since.delete(response);
      response.giveWay();
      return true;
    }
    return false;
  }
}
