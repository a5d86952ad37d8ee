import { createHash } from 'node:crypto';
import {
  type BucketClient,
  createOnce,
  DataClientError,
  OnceError,
  once,
} from '../../../../src/data/client/public.ts';
import { Problem, type ProblemCode } from '../http/problem.ts';
import { encodeEntry, type LedgerEntry, parseEntry } from './entry.ts';

/** As long as the data API itself tries to read: its client would ask again until 5 s are over. */
const pageWithinMs = 2_500;

/** What a client asks for, without when and at which rate. */
export type Wish = Pick<LedgerEntry, 'from' | 'to' | 'amount'>;

export interface Converted {
  readonly entry: LedgerEntry;
  /** An earlier request with the same key had made it. */
  readonly replayed: boolean;
}

/**
 * Makes a conversion once for an idempotency key, whichever region its requests come to, and
 * however often they come:
 *
 *   request ─▶ once: requests.ID ─▶ quote ─▶ create: entries.ID ─▶ result stored at requests.ID
 *
 * The entry is the effect. It is created under the key, so that a second attempt finds the
 * first one's entry, with its rate, and does not add another.
 *
 * @param quote the entry as it would be now
 * @throws {Problem} `idempotency_key_reused`, `conversion_in_progress`, `ledger_unavailable`
 */
export async function convertOnce(
  ledger: BucketClient,
  key: string,
  wish: Wish,
  quote: (id: string) => LedgerEntry,
): Promise<Converted> {
  const id = createHash('sha256').update(key).digest('hex').slice(0, 32);
  const fingerprint = `${wish.from} ${wish.to} ${wish.amount}`;
  try {
    const { result, replayed } = await once(
      ledger,
      `requests.${id}`,
      async () => {
        const { value } = await createOnce(ledger, `entries.${id}`, encodeEntry(quote(id)));
        return new TextDecoder().decode(value);
      },
      { fingerprint },
    );
    return { entry: parseEntry(new TextEncoder().encode(result)), replayed };
  } catch (error) {
    throw asProblem(error);
  }
}

/**
 * All conversions that were made, by whatever region, in no order of time.
 *
 * @throws {Problem} `ledger_unavailable`
 */
export async function* entriesOf(ledger: BucketClient): AsyncGenerator<LedgerEntry, void> {
  const asked = { prefix: 'entries.', pageSize: 500, timeoutMs: pageWithinMs };
  try {
    for await (const { value } of ledger.list(asked)) yield parseEntry(value);
  } catch (error) {
    if (!(error instanceof DataClientError)) throw error;
    throw unavailable('the entries of the ledger could not be read: ask again');
  }
}

const codes: Readonly<Partial<Record<string, ProblemCode>>> = {
  fingerprint_mismatch: 'idempotency_key_reused',
  in_progress: 'conversion_in_progress',
};

function asProblem(error: unknown): unknown {
  if (error instanceof OnceError) {
    const code = codes[error.code];
    if (code) return new Problem(code, { detail: error.message, field: 'Idempotency-Key' });
  }
  if (!(error instanceof DataClientError)) return error;
  return unavailable('nothing is known of it: send the same request again, with the same key');
}

function unavailable(detail: string): Problem {
  return new Problem('ledger_unavailable', { detail, headers: { 'Retry-After': '1' } });
}
