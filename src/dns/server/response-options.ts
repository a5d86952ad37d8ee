import type { Clock } from '../../base/clock.ts';
import type { ClientSubnet } from '../wire/client-subnet.ts';
import type { QueryReader } from '../wire/query-reader.ts';
import type { ResponseEdns } from '../wire/response-edns.ts';
import type { ClientAddress } from './client-address.ts';
import { CookieKeys } from './cookies/cookie-keys.ts';
import { type CookieVerdict, ServerCookies } from './cookies/server-cookies.ts';
import type { QueryOrigin } from './query-origin.ts';
import type { ServiceSettings } from './service-settings.ts';

/** RFC 8467 4.1: what responses over TLS are filled up to a multiple of. */
const paddingBlockBytes = 468;
/** RFC 7828 3.1: 16 bits of tenths of a second. */
const longestTenths = 0xffff;

/** The EDNS part of responses, filled anew for each query. */
export class ResponseOptions implements ResponseEdns {
  dnssecOk = false;
  compactOk = false;
  subnet: ClientSubnet | undefined = undefined;
  scopeBits = 0;
  extendedError = 0;
  cookie: Uint8Array | undefined = undefined;
  identifier: Uint8Array | undefined = undefined;
  keepaliveTenths = -1;
  paddingBlock = 0;
  /** What the cookie of the query was; `undefined`: it had none, or we give none. */
  cookieVerdict: CookieVerdict | undefined = undefined;
  readonly #clock: Clock;
  #keys: CookieKeys | undefined;
  #cookies: ServerCookies | undefined;
  #identifier: Uint8Array | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Cookies that were made with the secret of before stay good for an hour. */
  replace({ cookieSecret, identifier }: ServiceSettings): void {
    this.#identifier = identifier?.octets;
    const before = this.#keys;
    if (cookieSecret === undefined) {
      this.#keys = undefined;
      this.#cookies = undefined;
    } else if (!before?.isOf(cookieSecret)) {
      const keys = new CookieKeys(cookieSecret);
      const changedSeconds = this.#nowSeconds();
      this.#keys = keys;
      this.#cookies = new ServerCookies(keys, before && { keys: before, changedSeconds });
    }
  }

  /** Begins with what follows from the query alone. */
  begin(query: QueryReader, client: ClientAddress, origin: QueryOrigin): void {
    this.cookieVerdict = undefined;
    this.cookie = undefined;
    this.reset(query);
    if (!query.edns) return;
    if (query.cookie.length > 0 && this.#cookies) {
      this.cookieVerdict = this.#cookies.judge(query.cookie, client.address, this.#nowSeconds());
      this.cookie = this.#cookies.answer;
    }
    this.identifier = query.wantsIdentifier ? this.#identifier : undefined;
    const { transport, idleMs } = origin;
    this.keepaliveTenths =
      query.wantsKeepalive && transport !== 'udp'
        ? Math.min(Math.floor(idleMs / 100), longestTenths)
        : -1;
    this.paddingBlock = query.wantsPadding && transport === 'tls' ? paddingBlockBytes : 0;
  }

  /** Takes back what the look-up has added. */
  reset(query: QueryReader): void {
    this.dnssecOk = query.dnssecOk;
    this.compactOk = query.compactOk;
    this.subnet = undefined;
    this.scopeBits = 0;
    this.extendedError = 0;
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1_000);
  }
}
