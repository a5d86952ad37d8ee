import type { LogMessage } from '../../store/regional-log.ts';

/**
 * What a region's node on duty writes to the bucket's log once a second. It comes to the other
 * regions after all entries that were written before it, so that its number says what they have.
 */
export interface Canary {
  /** One more each time, whichever node writes it. */
  readonly number: number;
  readonly node: string;
  /** Of the log that it stands in. */
  readonly epoch: string;
  /** Of each other region: its newest canary here, and how long it has been here. */
  readonly echoes: ReadonlyMap<string, Echo>;
  /** How far behind the other regions are seen here; those are missing of which it is not known. */
  readonly lagMs: ReadonlyMap<string, number>;
}

export interface Echo {
  readonly number: number;
  readonly heldMs: number;
}

export const canaryEveryMs = 1_000;

export function canarySubject(region: string): string {
  return `${region}.canary`;
}

export function canaryValue({ echoes, lagMs, ...canary }: Canary): Uint8Array {
  const fields = {
    ...canary,
    echoes: Object.fromEntries(echoes),
    lagMs: Object.fromEntries(lagMs),
  };
  return Buffer.from(JSON.stringify(fields));
}

/** `undefined` for what is no canary. */
export function parseCanary({ value }: LogMessage): Canary | undefined {
  const fields = parseObject(value);
  if (!fields) return undefined;
  const { number, node, epoch } = fields;
  if (!isCount(number) || typeof node !== 'string' || typeof epoch !== 'string') return undefined;
  return {
    number,
    node: node.slice(0, 128),
    epoch: epoch.slice(0, 64),
    echoes: mapOf(fields.echoes, (echo) => {
      const { number: echoed, heldMs } = (echo ?? {}) as Record<string, unknown>;
      return isCount(echoed) && isDuration(heldMs) ? { number: echoed, heldMs } : undefined;
    }),
    lagMs: mapOf(fields.lagMs, (lagMs) => (isDuration(lagMs) ? lagMs : undefined)),
  };
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
