import type { Clock } from '../base/clock.ts';
import { MeridianError } from '../base/errors.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof levels)[number];

export type LogFields = Readonly<Record<string, unknown>>;

/** Events of a node, for people and log collectors. Not for requests: see the access log. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

export interface LogOptions {
  readonly region: string;
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Takes one line of JSON with its line end. Must not throw. */
  readonly write: (line: string) => void;
  /** Events below this level are dropped. Default: `info`. */
  readonly level?: LogLevel;
}

/**
 * One JSON object per line: `time`, `level`, `region`, `message`, then the fields of the
 * event, which cannot replace those four. Errors among the fields come out with their
 * message, code and causes, without their stack below `error`.
 */
export function createLog({ region, clock, write, level = 'info' }: LogOptions): Log {
  const lowest = levels.indexOf(level);
  const at = (own: LogLevel) => (message: string, fields?: LogFields) => {
    if (levels.indexOf(own) < lowest) return;
    const time = new Date(clock.wallMs()).toISOString();
    const head = { time, level: own, region, message };
    write(`${toJson({ ...head, ...fields, ...head }, own === 'error') ?? JSON.stringify(head)}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** `undefined` for what JSON cannot hold, such as a cycle: logging never throws. */
function toJson(event: LogFields, withStack: boolean): string | undefined {
  try {
    return JSON.stringify(event, plainOf(withStack));
  } catch {
    return undefined;
  }
}

function plainOf(withStack: boolean) {
  return (_key: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return String(value);
    if (!(value instanceof Error)) return value;
    return {
      message: value.message,
      ...('code' in value && { code: value.code }),
      ...(value instanceof MeridianError && { details: value.details }),
      ...(value.cause !== undefined && { cause: value.cause }),
      ...(withStack && { stack: value.stack }),
    };
  };
}
