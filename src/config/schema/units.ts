import { z } from 'zod';

const millisecondsPer = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type DurationUnit = keyof typeof millisecondsPer;

/** `"500ms"`, `"1.5s"`, `"10m"`, `"1h"`, `"30d"` → milliseconds. Throws nothing: the caller's pattern holds. */
function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
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
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'expected a duration with a unit, such as "500ms" or "5s"')
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

const bytesPer = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
type ByteUnit = keyof typeof bytesPer;

function parseByteSize(text: string): number {
  const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text);
  return match ? Number(match[1]) * bytesPer[match[2] as ByteUnit] : Number.NaN;
}

/** A size with its unit, given to programs as whole bytes. */
export function byteSize({ min, max }: { readonly min: number; readonly max: number }) {
  return z
    .string()
    .regex(/^\d{1,12}(B|KiB|MiB|GiB)$/, 'expected a size with a unit, such as "64KiB" or "10MiB"')
    .transform(parseByteSize)
    .refine((bytes) => bytes >= min && bytes <= max, {
      error: `expected a size from ${formatByteSize(min)} to ${formatByteSize(max)}`,
    })
    .meta({ 'x-size': [formatByteSize(min), formatByteSize(max)] });
}

/** Bytes as an operator would write them: `64KiB`, `1500B`. */
function formatByteSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= bytesPer[unit] && bytes % bytesPer[unit] === 0) {
      return `${bytes / bytesPer[unit]}${unit}`;
    }
  }
  return `${bytes}B`;
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

export const fieldName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'expected a field name, such as "X-Tenant"');

export const fieldValue = z
  .string()
  .max(8_192)
  .regex(
    /^$|^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?$/,
    'expected a field value: visible characters, with spaces only inside',
  );

const labels = '[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*';

export const hostName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${labels}$`), 'expected a host in lower case, such as "api.example.com"');

export const hostPattern = z
  .string()
  .max(253)
  .regex(
    new RegExp(`^(\\*\\.)?${labels}$`),
    'expected a host in lower case, such as "api.example.com" or "*.example.com"',
  );

export const pathText = z
  .string()
  .regex(
    /^\/[^\s?#%\\\u0000-\u001f\u007f]*$/,
    'expected a path that starts with "/", without space, "?", "#", "%" or "\\"',
  );
