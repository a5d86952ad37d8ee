import type { IncomingMessage, ServerResponse } from 'node:http';
import { discardRest, isEarly } from './body.ts';
import {
  type DataProblemCode,
  dataProblems,
  type ProblemMembers,
  problemBody,
} from './problems.ts';

/** What an operation answers. */
export interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  readonly fields?: Readonly<Record<string, string>>;
}

export function json(value: object, fields: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value), fields };
}

/** Where no more precise time is known. */
const retryAfterSeconds = 1;

export function problem(
  code: DataProblemCode,
  detail: string,
  members: ProblemMembers = {},
  fields: Readonly<Record<string, string>> = {},
): Answer {
  const { status } = dataProblems[code];
  const later = status === 503 || status === 429;
  return {
    status,
    contentType: 'application/problem+json',
    body: `${JSON.stringify(problemBody(code, detail, members))}\n`,
    fields: {
      ...(later && { 'Retry-After': String(retryAfterSeconds) }),
      ...(code === 'not_authenticated' && { 'WWW-Authenticate': 'Bearer realm="meridian data"' }),
      ...fields,
    },
  };
}

/** Headers say how old what was read may be, rounded up. */
export function stalenessField(staleForMs: number): Readonly<Record<string, string>> {
  const text = Number.isFinite(staleForMs) ? String(Math.ceil(Math.max(0, staleForMs))) : 'unknown';
  return { 'Meridian-Staleness-Ms': text };
}

/** @returns the octets of its body */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): number {
  // Who asked whether to go on and was refused may or may not send the body nevertheless.
  const early = isEarly(request);
  const uncertain = request.headers.expect !== undefined && early;
  if (early) {
    response.shouldKeepAlive = true; // Else the answer is followed by a reset that overtakes it.
    discardRest(request);
  }
  const { status, contentType, body = '', fields } = answer;
  const length = Buffer.byteLength(body);
  response.writeHead(status, {
    ...(contentType !== undefined && {
      'Content-Type': contentType,
      'X-Content-Type-Options': 'nosniff',
    }),
    ...(status !== 204 && status !== 304 && { 'Content-Length': length }),
    'Cache-Control': 'private, no-cache',
    ...fields,
    ...(uncertain && { Connection: 'close' }),
  });
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return 0;
  }
  response.end(body);
  return length;
}
