import { randomBytes } from 'node:crypto';

/** What one response counts; the unit of balances. */
export const oneResponse = 1_000;

const ways = 4;
const sets = 16_384;
/** Octets of a key, each with a table of its own. */
export const keyBytes = 13;
const tableWords = keyBytes * 256;
const entryWords = 4;

/** Refill and bounds of a balance. */
export interface Credit {
  /** Per millisecond, in thousandths of a response: responses per second. */
  readonly perMs: number;
  readonly most: number;
  /** Below 0: how deep in debt one can be. */
  readonly least: number;
}

/**
 * How much each client may still be answered, in a table of fixed size that all threads of a node
 * share: 65,536 entries, 1 MiB, and a look-up costs one cache line, however many clients there are.
 *
 *   key ──tables of chance──▶ set ─▶ ┌ mark │ balance │ time │ denials ┐ × 4
 *
 * A client that has no entry takes the one of its four with the most credit: that of who asked
 * least. So a flood from many addresses cannot wash out who is in debt.
 *
 * Keys are hashed by tables of random words, one per octet (Carter and Wegman 1979): without the
 * tables nobody can find clients that share an entry with another one. Threads write without locks;
 * where two meet in one entry, a response may go uncounted.
 */
export class RateTable {
  readonly buffer: SharedArrayBuffer;
  readonly #tables: Int32Array;
  readonly #entries: Int32Array;
  /** That of the last `take`. */
  #entry = 0;

  /** Without `buffer` an empty one; with it, that of other threads. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(4 * (tableWords + sets * ways * entryWords));
    this.#tables = new Int32Array(this.buffer, 0, tableWords);
    this.#entries = new Int32Array(this.buffer, 4 * tableWords);
    const chance = buffer ? undefined : new Uint8Array(randomBytes(4 * tableWords));
    if (chance) this.#tables.set(new Int32Array(chance.buffer));
  }

  /** `key`: `keyBytes` octets. */
  hash(key: Uint8Array): number {
    const tables = this.#tables;
    let hash = 0;
    for (let at = 0; at < keyBytes; at++) hash ^= tables[(at << 8) | key[at]!]!;
    return hash;
  }

  /** Counts one response; false when there is no credit for it. `nowMs` monotonic, of all threads. */
  take(hash: number, nowMs: number, credit: Credit): boolean {
    const entries = this.#entries;
    const at = this.#find(hash === 0 ? 1 : hash, nowMs | 0, credit);
    const balance = entries[at + 1]! - oneResponse;
    entries[at + 1] = Math.max(balance, credit.least);
    this.#entry = at;
    return balance >= 0;
  }

  /** How often the client of the last `take` was denied, this time counted in; from 1. */
  deny(): number {
    return ++this.#entries[this.#entry + 3]!;
  }

  /** The entry of the mark with its balance as of now; its own, or one that it takes. */
  #find(mark: number, now: number, credit: Credit): number {
    const entries = this.#entries;
    const first = (mark & (sets - 1)) * ways * entryWords;
    let richest = first;
    let most = credit.least - 1;
    for (let at = first; at < first + ways * entryWords; at += entryWords) {
      const elapsed = elapsedMs(entries[at + 2]!, now);
      const balance = Math.min(credit.most, entries[at + 1]! + elapsed * credit.perMs);
      if (entries[at] === mark) {
        entries[at + 1] = balance;
        entries[at + 2] = now;
        return at;
      }
      const worth = entries[at] === 0 ? credit.most + 1 : balance;
      if (worth > most) {
        most = worth;
        richest = at;
      }
    }
    entries[richest] = mark;
    entries[richest + 1] = credit.most;
    entries[richest + 2] = now;
    entries[richest + 3] = 0;
    return richest;
  }
}

/** Threads read their clocks apart by a little; what seems to be ahead by more is older than 24 days. */
function elapsedMs(then: number, now: number): number {
  const elapsed = (now - then) | 0;
  if (elapsed >= 0) return elapsed;
  return elapsed > -1_000 ? 0 : 0x7fff_ffff;
}
