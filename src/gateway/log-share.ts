import type { AccessLogConfig } from '../config/schema/access-log.ts';

/** Which requests the access log keeps. */
export interface LogShare {
  /** A request is kept when the first 32 bits of its id are below this. */
  readonly below: number;
  readonly errorsAlways: boolean;
}

const all = 2 ** 32;

export function logShareOf(accessLog: AccessLogConfig): LogShare {
  if (typeof accessLog === 'boolean') return { below: all, errorsAlways: true };
  return { below: accessLog.sample * all, errorsAlways: accessLog.errors === 'always' };
}

/**
 * By the id of the request, which its first gateway draws at random, so that regions that it
 * passes keep it or leave it out together. (A trace would be of the client's choosing: it could
 * stay out of every log, or fill them.)
 */
export function isKept(
  { below, errorsAlways }: LogShare,
  requestId: string,
  failed: boolean,
): boolean {
  if (below === all || (failed && errorsAlways)) return true;
  return Number.parseInt(requestId.slice(0, 8), 16) < below;
}
