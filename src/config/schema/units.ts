import { z } from 'zod';

const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
type DurationUnit = keyof typeof millisecondsPer;

/** `"500ms"`, `"1.5s"`, `"10m"`, `"1h"` → milliseconds. Throws nothing: the caller's pattern holds. */
function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) return Number.NaN;
  return Math.round(Number(match[1]) * millisecondsPer[match[2] as DurationUnit]);
}

export interface DurationBounds {
  minMs: number;
  maxMs: number;
}

/** A duration with its unit, given to programs as whole milliseconds. */
export function durationMs({ minMs, maxMs }: DurationBounds) {
  return z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'expected a duration with a unit, such as "500ms" or "5s"')
    .transform(parseDurationMs)
    .refine((ms) => ms >= minMs && ms <= maxMs, {
      error: `expected a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`,
    })
    .meta({ 'x-duration': [formatDuration(minMs), formatDuration(maxMs)] });
}

/** Milliseconds as an operator would write them: `5s`, `1500ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms >= millisecondsPer[unit] && ms % millisecondsPer[unit] === 0) {
      return `${ms / millisecondsPer[unit]}${unit}`;
    }
  }
  return `${ms}ms`;
}

/** A DNS label used as a name in the model: regions and services become host names. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'expected 1 to 63 of a-z, 0-9 and "-", not at either end',
  )
  // The only such word that is a field of every object, hence always found by its name.
  .refine((name) => name !== 'constructor', 'a reserved word cannot be a name');

export const portSchema = z.int().min(1).max(65_535);
