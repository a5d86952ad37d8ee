import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock, Timer } from '../../../base/clock.ts';
import { codeOf } from '../../../base/errors.ts';
import { KnownName } from './known-name.ts';
import type { NameAnswer, NameSource } from './name-source.ts';

export interface AddressBookOptions {
  readonly source: NameSource;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** These addresses are the name's no more: connections to them should take no more requests. */
  onGone(name: string, addresses: ReadonlySet<string>): void;
  /** Told once until there is an answer again. `ageMs`: of the addresses in use, if any. */
  onFailing(name: string, error: unknown, ageMs: number | undefined): void;
}

type Waiting = (error: NodeJS.ErrnoException | null) => void;

interface Entry {
  readonly name: string;
  readonly known: KnownName;
  /** Asked for again by itself. */
  wanted: boolean;
  asking: boolean;
  timer: Timer | undefined;
  /** Lookups that came while nothing was known. */
  waiting: Waiting[];
}

/** So that a revision with many new names asks for them bit by bit. */
const spacingMs = 5;

/**
 * The addresses of the names of endpoints, for one thread. Names of the current revision are
 * asked for in the background, before they are needed and again when their TTL is over, so
 * that a request waits for the DNS only where no address is known. Others, of requests that
 * keep to an older revision, are asked for when needed and forgotten after their TTL.
 */
export class AddressBook {
  readonly #options: AddressBookOptions;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(options: AddressBookOptions) {
    this.#options = options;
  }

  /** For `lookup` of `net.connect` and `tls.connect`: all addresses, another one first each time. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    const entry = this.#entry(name);
    const answer: Waiting = (error) => {
      const addresses = error ? [] : entry.known.rotated().map(withFamily);
      if (addresses.length === 0) callback(error ?? unknownName(name), '');
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    };
    const { known, asking } = entry;
    const rests = !asking && known.rests(this.#options.clock.monotonicMs());
    if (known.addresses.length > 0 || rests || this.#closed) {
      answer(null);
      return;
    }
    entry.waiting.push(answer);
    this.#ask(entry);
  };

  /** What is known of a name, at most; for views and tests. */
  addresses(name: string): readonly string[] {
    return this.#entries.get(name)?.known.addresses ?? [];
  }

  /** From now on these are kept up to date; addresses among them need nothing. */
  retain(names: ReadonlySet<string>): void {
    for (const entry of this.#entries.values()) entry.wanted = names.has(entry.name);
    let delayMs = 0;
    for (const name of names) {
      if (isIP(name) !== 0) continue;
      const entry = this.#entry(name);
      entry.wanted = true;
      if (entry.asking || entry.timer) continue;
      this.#askAfter(entry, delayMs);
      delayMs += spacingMs;
    }
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) {
      entry.timer?.cancel();
      this.#release(entry, unknownName(entry.name));
    }
    this.#entries.clear();
    this.#options.source.close();
  }

  #entry(name: string): Entry {
    const present = this.#entries.get(name);
    if (present) return present;
    const entry: Entry = {
      name,
      known: new KnownName(),
      wanted: false,
      asking: false,
      timer: undefined,
      waiting: [],
    };
    this.#entries.set(name, entry);
    return entry;
  }

  #askAfter(entry: Entry, delayMs: number): void {
    entry.timer?.cancel();
    entry.timer = this.#options.clock.after(delayMs, () => {
      entry.timer = undefined;
      if (entry.wanted) this.#ask(entry);
      else this.#entries.delete(entry.name);
    });
  }

  #ask(entry: Entry): void {
    if (entry.asking || this.#closed) return;
    entry.asking = true;
    entry.timer?.cancel();
    entry.timer = undefined;
    this.#options.source.resolve(entry.name).then(
      (answer) => this.#answered(entry, answer),
      (error: unknown) => this.#failed(entry, error),
    );
  }

  #answered(entry: Entry, answer: NameAnswer): void {
    if (this.#closed) return;
    const { clock, random, onGone } = this.#options;
    entry.asking = false;
    const { gone, againMs } = entry.known.answered(answer, clock.monotonicMs(), random());
    this.#askAfter(entry, againMs);
    this.#release(entry, null);
    if (gone.length > 0) onGone(entry.name, new Set(gone));
  }

  #failed(entry: Entry, error: unknown): void {
    if (this.#closed) return;
    const { clock, onGone, onFailing } = this.#options;
    const { known, name } = entry;
    const nowMs = clock.monotonicMs();
    entry.asking = false;
    const ageMs = known.addresses.length > 0 ? known.ageMs(nowMs) : undefined;
    if (known.failures === 0) onFailing(name, error, ageMs);
    const { gone, againMs } = known.failed(codeOf(error) === 'name_unknown', nowMs);
    this.#askAfter(entry, againMs);
    this.#release(entry, unknownName(name));
    if (gone.length > 0) onGone(name, new Set(gone));
  }

  #release(entry: Entry, error: NodeJS.ErrnoException | null): void {
    const { waiting } = entry;
    entry.waiting = [];
    for (const answer of waiting) answer(error);
  }
}

function withFamily(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

/** As `dns.lookup` would say it. */
function unknownName(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no address of ${name} is known`), { code: 'ENOTFOUND' });
}
