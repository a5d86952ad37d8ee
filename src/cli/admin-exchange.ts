import { request } from 'node:http';
import { MeridianError } from '../base/errors.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface ExchangeOptions {
  /** For all of it. */
  readonly limitMs: number;
  readonly token?: string;
  readonly body?: Buffer;
  readonly contentType?: string;
}

export interface Exchanged {
  readonly status: number;
  readonly body: Buffer;
}

/** A document of 32 MiB, and what stands around it. */
const largestAnswerBytes = 64 * 1024 * 1024;

/**
 * One request to an admin API and its answer, whole.
 *
 * @throws MeridianError `admin_unreachable` that names the address; for a change,
 *   `details.outcome` says whether it can have arrived (`none` or `unknown`)
 */
export function exchange(
  { host, port }: Target,
  method: 'GET' | 'POST',
  path: string,
  { limitMs, token, body, contentType }: ExchangeOptions,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.timeout(limitMs);
    let connected = false;
    const fail = (cause: Error) => {
      const why = limit.aborted ? `no answer within ${limitMs / 1_000} s` : cause.message;
      const message = `the admin API at ${host}:${port} cannot be reached: ${why}`;
      const outcome = connected ? 'unknown' : 'none';
      const details = method === 'POST' ? { outcome } : {};
      reject(new MeridianError('admin_unreachable', message, { cause, details }));
    };
    const headers = {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body && { 'Content-Type': contentType, 'Content-Length': body.length }),
    };
    const options = { host, port, method, path, headers, agent: false, signal: limit };
    const asked = request(options, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('error', fail);
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > largestAnswerBytes) answer.destroy(new Error('the answer is too large'));
        else parts.push(part);
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts) }),
      );
    });
    asked.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true;
      }),
    );
    asked.on('error', fail);
    asked.end(body);
  });
}
