import type { LogMessage } from '../../store/regional-log.ts';

/**
 * What a region's node on duty writes to the bucket's log once a second. It comes to the other
 * regions after all entries that were written before it, so that its number says what they have.
 */
export interface Canary {
  /** One more each time, whichever node writes it. */
  readonly number: number;
  /** Of this one alone, whatever becomes of logs and numbers. Older software gives none. */
  readonly id: string | undefined;
  readonly node: string;
  /** Of the log that it stands in. */
  readonly epoch: string;
  /** The one before it, and for how long its node knew that this was stored. */
  readonly previous: Previous | undefined;
  /** Of each other region: its newest canary that came here, and how long ago. */
  readonly echoes: ReadonlyMap<string, Echo>;
  /**
   * How old what the other regions acknowledged is here at most (see `lag.ts`); those are missing
   * of which it is not known.
   */
  readonly agesMs: ReadonlyMap<string, number>;
}

export interface Previous {
  readonly sequence: number;
  readonly knownMs: number;
}

export interface Echo {
  readonly number: number;
  readonly id: string | undefined;
  readonly heldMs: number;
}

export const canaryEveryMs = 1_000;

export function canarySubject(region: string): string {
  return `${region}.canary`;
}

export function canaryValue({ echoes, agesMs, ...canary }: Canary): Uint8Array {
  const fields = {
    ...canary,
    echoes: Object.fromEntries(echoes),
    agesMs: Object.fromEntries(agesMs),
  };
  return Buffer.from(JSON.stringify(fields));
}

/** `undefined` for what is no canary. One of older software proves nothing: no `id`, no ages. */
export function parseCanary({ value }: LogMessage): Canary | undefined {
  const fields = parseObject(value);
  if (!fields) return undefined;
  const { number, node, epoch } = fields;
  if (!isCount(number) || typeof node !== 'string' || typeof epoch !== 'string') return undefined;
  return {
    number,
    id: idOf(fields.id),
    node: node.slice(0, 128),
    epoch: epoch.slice(0, 64),
    previous: previousOf(fields.previous),
    echoes: mapOf(fields.echoes, (echo) => {
      const { number: echoed, id, heldMs } = (echo ?? {}) as Record<string, unknown>;
      const isEcho = isCount(echoed) && isDuration(heldMs);
      return isEcho ? { number: echoed, id: idOf(id), heldMs } : undefined;
    }),
    agesMs: mapOf(fields.agesMs, (ageMs) => (isDuration(ageMs) ? ageMs : undefined)),
  };
}

function previousOf(value: unknown): Previous | undefined {
  const { sequence, knownMs } = (value ?? {}) as Record<string, unknown>;
  return isCount(sequence) && isDuration(knownMs) ? { sequence, knownMs } : undefined;
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 64 ? value : undefined;
}

export function parseObject(value: Uint8Array): Record<string, unknown> | undefined {
  if (value.byteLength > 64 * 1024) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value).toString());
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e15;
}

function mapOf<T>(value: unknown, parse: (item: unknown) => T | undefined): Map<string, T> {
  const found = new Map<string, T>();
  for (const [name, item] of Object.entries((value ?? {}) as object)) {
    const parsed = parse(item);
    if (parsed !== undefined) found.set(name, parsed);
  }
  return found;
}
