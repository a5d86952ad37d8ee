import { request } from 'node:http';
import { MeridianError } from '../base/errors.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly body: string;
}

const maximumBodyBytes = 16 * 1024 * 1024;

/**
 * GET on the admin API of a node, all of it within `limitMs`.
 *
 * @throws MeridianError `admin_unreachable` that names the address.
 */
export function askAdmin(
  address: string,
  port: number,
  path: string,
  limitMs: number,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const abort = AbortSignal.timeout(limitMs);
    const fail = (cause: Error) => {
      const why = abort.aborted ? `no answer within ${limitMs} ms` : cause.message;
      const message = `the admin API at ${address}:${port} cannot be reached: ${why}`;
      reject(new MeridianError('admin_unreachable', message, { cause }));
    };
    const asked = request({ host: address, port, path, agent: false, signal: abort }, (answer) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      answer.on('error', fail);
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > maximumBodyBytes) answer.destroy(new Error('the answer is too large'));
        else parts.push(part);
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
    });
    asked.on('error', fail);
    asked.end();
  });
}
