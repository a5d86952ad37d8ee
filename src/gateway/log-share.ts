import type { AccessLogConfig } from '../config/schema/access-log.ts';

/** Which requests the access log keeps. */
export interface LogShare {
  /** A trace is kept whose first 32 bits are below this. */
  readonly below: number;
  readonly errorsAlways: boolean;
}

const all = 2 ** 32;

export function logShareOf(accessLog: AccessLogConfig): LogShare {
  if (typeof accessLog === 'boolean') return { below: all, errorsAlways: true };
  return { below: accessLog.sample * all, errorsAlways: accessLog.errors === 'always' };
}

/**
 * By the trace, which its first gateway draws at random, so that regions that a request
 * passes keep it or leave it out together.
 */
export function isKept(
  { below, errorsAlways }: LogShare,
  traceId: string,
  failed: boolean,
): boolean {
  if (below === all || (failed && errorsAlways)) return true;
  return Number.parseInt(traceId.slice(0, 8), 16) < below;
}
