import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

const maximumBytes = 4_096;

/**
 * A request body that is one JSON object; its type need not be named. Throws `Problem`: `unsupported_media_type`,
 * `body_too_large` or `malformed_json`.
 */
export async function readJsonObject(request: IncomingMessage): Promise<object> {
  const type = request.headers['content-type'];
  if (type !== undefined && !/^application\/json\s*(;|$)/i.test(type)) {
    const detail = 'Content-Type must be application/json';
    throw new Problem('unsupported_media_type', {
      detail,
      headers: { Accept: 'application/json' },
    });
  }
  const body = await readBytes(request);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    throw new Problem('malformed_json', { detail: 'the body must be JSON in UTF-8' });
  }
  throw new Problem('malformed_json', { detail: 'the body must be a JSON object' });
}

/** Refuses a body that is announced as too large before reading it, any other at the limit. */
async function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maximumBytes) throw tooLarge();
  const parts: Buffer[] = [];
  let bytes = 0;
  // The connection must outlive an early end of this loop, to carry the answer.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    bytes += part.length;
    if (bytes > maximumBytes) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The rest of the body is not read, so the connection cannot be used again. */
function tooLarge(): Problem {
  const detail = `the body may have ${maximumBytes} bytes`;
  return new Problem('body_too_large', { detail, headers: { Connection: 'close' } });
}
