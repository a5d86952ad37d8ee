import type { IncomingMessage, ServerResponse } from 'node:http';
import { fault } from './problems.ts';
import type { BodyRule } from './resources/resource.ts';

/** Of a resource that declares none; what comes is read, so that the connection can be kept. */
export const ignoredBodyBytes = 64 * 1024;
/** Of a body that comes after its answer. */
const discardedBytes = 64 * 1024 * 1024;

/**
 * Reads a body whole. Called when the request has passed every check that needs none of it:
 *
 *   head ─▶ guard, path, method, token, parameters ─▶ 100 Continue, body ─▶ answer
 *                     │ refused                            │ too large
 *                     └──▶ answer ─▶ the rest is discarded ◀┘
 *
 * How long it may take is bounded by the server's `requestTimeout`.
 *
 * @throws MeridianError `body_too_large`, `unsupported_media_type`, `request_aborted`
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  rule: BodyRule | undefined,
): Promise<Buffer> {
  const limitBytes = rule?.limitBytes ?? ignoredBodyBytes;
  const tooLarge = fault('body_too_large', `at most ${limitBytes} bytes are read`);
  if (rule) requireType(request, rule);
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge;
  if (request.headers.expect !== undefined) response.writeContinue();
  const parts: Buffer[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      let bytes = 0;
      request.on('data', function collect(part: Buffer) {
        bytes += part.length;
        if (bytes <= limitBytes) return void parts.push(part);
        request.off('data', collect);
        reject(tooLarge);
      });
      request.once('end', resolve);
      request.once('close', () => reject(fault('request_aborted', 'the connection was closed')));
    });
    return Buffer.concat(parts);
  } finally {
    if (rule?.secret) for (const part of parts) part.fill(0);
  }
}

function requireType({ headers }: IncomingMessage, { contentType }: BodyRule): void {
  const given = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (given === contentType && coding === 'identity') return;
  throw fault('unsupported_media_type', `send it as ${contentType}, without a content coding`);
}

/**
 * After an answer that did not wait for the body: what still comes is thrown away, so that no reset
 * overtakes the answer, and the connection can be kept (RFC 9112, 9.6).
 */
export function discardRest(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > discardedBytes) request.socket.destroy();
  });
}
