import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import { findCookie, findCookies } from './request-key.ts';
import type { StickyClaim, StickyCookie } from './sticky-cookie.ts';
import type { Keeper } from './tier-balancer.ts';

/** Each costs a hash. */
const mostCookies = 4;

export interface StickyOptions {
  /** Of the region, those of weight 0 too: they keep the clients that they have. */
  readonly endpoints: readonly EndpointInfo[];
  readonly regionName: string;
  /** Places a client that has no endpoint. */
  readonly placement: Balancer;
  readonly cookie: StickyCookie;
  readonly cookieName: string;
  readonly lifetimeMs: number;
  /** As of `Clock`: cookies outlive processes. */
  readonly wallMs: () => number;
}

/**
 * Keeps clients at an endpoint by a cookie.
 *
 *   no cookie, forged, expired, of an endpoint that is gone ──▶ placed, with a new cookie
 *   its endpoint is ejected or was tried                    ──▶ placed, with a new cookie
 *   in the second half of its life                          ──▶ its endpoint, with a new cookie
 *   else                                                    ──▶ its endpoint
 */
export class Sticky implements Balancer, Keeper {
  readonly #options: StickyOptions;
  readonly #byId: ReadonlyMap<string, EndpointInfo>;
  readonly #ids: ReadonlyMap<number, string>;

  constructor(options: StickyOptions) {
    const { endpoints, regionName, cookie } = options;
    const ids = endpoints.map((endpoint) => {
      const id = cookie.idOf(regionName, `${endpoint.host}:${endpoint.port}`);
      return { endpoint, id };
    });
    this.#options = options;
    this.#byId = new Map(ids.map(({ endpoint, id }) => [id, endpoint]));
    this.#ids = new Map(ids.map(({ endpoint, id }) => [endpoint.index, id]));
  }

  next(
    request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const claim = this.#claim(request);
    const own = claim && this.#byId.get(claim.id);
    if (own && isCandidate(own.index, loads, tried, anyState)) return own;
    return this.#options.placement.next(request, loads, tried, anyState);
  }

  holds(request: BalanceKey, loads: EndpointLoads): boolean {
    const claim = this.#claim(request);
    const own = claim && this.#byId.get(claim.id);
    return own !== undefined && !loads.ejected(own.index);
  }

  /**
   * The line to add to a response of `endpoint` so that its client comes back to it, with
   * CRLF; `undefined`: it will anyway.
   */
  cookieLine(request: BalanceKey, endpoint: EndpointInfo): string | undefined {
    const id = this.#ids.get(endpoint.index);
    if (id === undefined) return undefined;
    const { cookie, cookieName, lifetimeMs, wallMs } = this.#options;
    const nowMs = wallMs();
    const claim = this.#claim(request);
    if (claim?.id === id && claim.expiresMs - nowMs > lifetimeMs / 2) return undefined;
    const value = cookie.seal({ id, expiresMs: nowMs + lifetimeMs });
    const maxAge = Math.floor(lifetimeMs / 1_000);
    const secure = request.secure ? '; Secure' : '';
    return `Set-Cookie: ${cookieName}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${secure}\r\n`;
  }

  /**
   * A browser sends what pages of a parent domain or for a longer path have set under the same
   * name first: the first that is genuine counts, of a few.
   */
  #claim({ fields }: BalanceKey): StickyClaim | undefined {
    const { cookie, cookieName, wallMs } = this.#options;
    const first = findCookie(fields, cookieName);
    if (first === undefined) return undefined;
    const claim = cookie.open(first, wallMs());
    if (claim) return claim;
    for (const value of findCookies(fields, cookieName).slice(1, mostCookies)) {
      const other = cookie.open(value, wallMs());
      if (other) return other;
    }
    return undefined;
  }
}
