import type { Entry } from '../bucket.ts';

/**
 * What stands under an idempotency key, as JSON:
 *
 *   (none) ── create ──▶ claimed by A ── If-Match ──▶ done, with the result, for good
 *                           │    ▲                        ▲
 *                           │    └─ taken over by B ──────┘
 *                           └─ released, when the operation failed ──▶ (none)
 *
 * Every arrow is a compare-and-set: who lost its claim cannot store a result any more.
 */
export type OnceRecord =
  | {
      readonly state: 'claimed';
      readonly fingerprint: string;
      readonly owner: string;
      /** Wall clock of the owner. */
      readonly atMs: number;
    }
  | {
      readonly state: 'done';
      readonly fingerprint: string;
      readonly owner: string;
      /** JSON. */
      readonly result: string;
    };

const version = 1;

export function encodeRecord(record: OnceRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ version, ...record }));
}

/** `undefined`: something else stands there. */
export function parseRecord({ value }: Pick<Entry, 'value'>): OnceRecord | undefined {
  const fields = fieldsOf(new TextDecoder().decode(value));
  const { state, fingerprint, owner, atMs, result } = fields;
  if (fields.version !== version) return undefined;
  if (typeof fingerprint !== 'string' || typeof owner !== 'string') return undefined;
  if (state === 'claimed' && typeof atMs === 'number') return { state, fingerprint, owner, atMs };
  if (state === 'done' && typeof result === 'string') return { state, fingerprint, owner, result };
  return undefined;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export interface Caller {
  readonly fingerprint: string;
  readonly owner: string;
  readonly takeoverMs: number;
  readonly wallMs: number;
  /** For how long the caller has seen this very version, by its monotonic clock. */
  readonly unchangedForMs: number;
}

export type Step =
  | { readonly do: 'claim' }
  /** The own claim stands: an earlier answer was lost. */
  | { readonly do: 'run'; readonly version: string }
  | { readonly do: 'takeOver'; readonly version: string }
  | { readonly do: 'wait' }
  | { readonly do: 'replay'; readonly result: string; readonly own: boolean }
  | { readonly do: 'refuse'; readonly code: 'fingerprint_mismatch' | 'record_invalid' };

/** By so much the clocks of two callers may differ before a claim is taken over too early. */
export const clockAllowanceMs = 10_000;

/** What a caller does next about what it read. Pure. */
export function nextStep(entry: Entry | undefined, caller: Caller): Step {
  if (!entry) return { do: 'claim' };
  const record = parseRecord(entry);
  if (!record) return { do: 'refuse', code: 'record_invalid' };
  if (record.fingerprint !== caller.fingerprint) {
    return { do: 'refuse', code: 'fingerprint_mismatch' };
  }
  const own = record.owner === caller.owner;
  if (record.state === 'done') return { do: 'replay', result: record.result, own };
  if (own) return { do: 'run', version: entry.version };
  const old =
    caller.unchangedForMs >= caller.takeoverMs ||
    caller.wallMs - record.atMs >= caller.takeoverMs + clockAllowanceMs;
  return old ? { do: 'takeOver', version: entry.version } : { do: 'wait' };
}
