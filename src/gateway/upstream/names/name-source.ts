import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { codeOf, MeridianError, messageOf } from '../../../base/errors.ts';

/**
 * - `name_unknown`: who should know says that the name has no address
 * - `name_unavailable`: nobody could be asked, or none answered
 */
export type NameErrorCode = 'name_unknown' | 'name_unavailable';

/** The addresses of a name, at least one, IPv4 before IPv6, and how long they hold. */
export interface NameAnswer {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

export interface NameSource {
  /** @throws MeridianError with a `NameErrorCode` */
  resolve(name: string): Promise<NameAnswer>;
  /** What is under way fails. */
  close(): void;
}

export interface SystemNamesOptions {
  /** `address:port` of the resolvers to ask. Default: those of the system. */
  readonly servers?: readonly string[];
  /** Asks the system. Default: that of Node. */
  readonly lookup?: SystemLookup;
}

type SystemLookup = (name: string, options: LookupAllOptions) => Promise<readonly LookupAddress[]>;

/** Of a resolver that may be nearer than the other; a request waits for both. */
const attemptMs = 1_000;
const attempts = 2;
/** The system does not tell how long its answers hold. */
const systemTtlMs = 5_000;

/**
 * Asks the DNS itself, because only that says how long an answer holds; where it has none,
 * the system, which knows files (`/etc/hosts`) and domains to search too. A name without a
 * dot is the system's from the start: it alone can complete it.
 */
export class SystemNames implements NameSource {
  readonly #servers: readonly string[] | undefined;
  readonly #lookup: SystemLookup;
  #resolver: Resolver | undefined;
  #closed = false;

  constructor({ servers, lookup: systemLookup = lookup }: SystemNamesOptions = {}) {
    this.#servers = servers;
    this.#lookup = systemLookup;
  }

  async resolve(name: string): Promise<NameAnswer> {
    if (!name.includes('.')) return this.#fromSystem(name);
    this.#resolver ??= this.#createResolver();
    const resolver = this.#resolver;
    try {
      return await fromDns(resolver, name);
    } catch (error) {
      if (this.#closed) throw error;
      // It read where to ask when it was made, and that may have changed. Others still wait for it.
      const silent = codeOf(error) === 'name_unavailable';
      if (silent && this.#resolver === resolver) this.#resolver = undefined;
      // What the DNS says weighs more than that the system found nothing either.
      return this.#fromSystem(name).catch(() => Promise.reject(error));
    }
  }

  close(): void {
    this.#closed = true;
    this.#resolver?.cancel();
  }

  async #fromSystem(name: string): Promise<NameAnswer> {
    try {
      const found = await this.#lookup(name, { all: true, order: 'ipv4first' });
      return { addresses: found.map(({ address }) => address), ttlMs: systemTtlMs };
    } catch (error) {
      const code = codeOf(error) === 'ENOTFOUND' ? 'name_unknown' : 'name_unavailable';
      throw new MeridianError<NameErrorCode>(code, `${name}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #createResolver(): Resolver {
    const resolver = new Resolver({ timeout: attemptMs, tries: attempts });
    if (this.#servers) resolver.setServers(this.#servers);
    return resolver;
  }
}

async function fromDns(resolver: Resolver, name: string): Promise<NameAnswer> {
  const [four, six] = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }),
    resolver.resolve6(name, { ttl: true }),
  ]);
  const records = [four, six].flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  if (records.length === 0) return failed(name, [four, six]);
  const ttls = records.map(({ ttl }) => ttl);
  return { addresses: records.map(({ address }) => address), ttlMs: Math.min(...ttls) * 1_000 };
}

const negative: ReadonlySet<string | undefined> = new Set(['ENOTFOUND', 'ENODATA']);

/** Unknown only where both families say so: one that is silent may have had the address. */
function failed(name: string, results: readonly PromiseSettledResult<unknown>[]): never {
  const reasons = results.map((one) => (one.status === 'rejected' ? one.reason : undefined));
  const worst = reasons.find((reason) => reason && !negative.has(codeOf(reason)));
  const code = worst ? 'name_unavailable' : 'name_unknown';
  const cause: unknown = worst ?? reasons[0];
  throw new MeridianError<NameErrorCode>(code, `${name}: ${messageOf(cause)}`, { cause });
}
