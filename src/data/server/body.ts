import type { IncomingMessage, ServerResponse } from 'node:http';
import { MeridianError } from '../../base/errors.ts';
import { type DataProblemCode, refuse } from './problems.ts';

/** Of a body that comes after its answer. */
const discardedBytes = 16 * 1024 * 1024;
/** Of an operation that has no use for one. */
const ignoredBytes = 64 * 1024;

export interface BodyRule {
  readonly limitBytes: number;
  /** What is said of one that has more. */
  tooLarge(): MeridianError<DataProblemCode>;
}

/**
 * Reads a body whole, after every check that needs none of it; a client that asked whether to
 * go on is told so only then. How long it may take is bounded by the server.
 *
 * @throws MeridianError what `tooLarge` gives, before more than the limit was kept;
 *   `unsupported_media_type` for a content coding; `request_aborted`
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  { limitBytes, tooLarge }: BodyRule,
): Promise<Buffer> {
  const { headers } = request;
  const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (coding !== 'identity') refuse('unsupported_media_type', 'send it without a content coding');
  if (headers['content-range'] !== undefined) {
    refuse('bad_parameter', 'content-range: a value is written whole');
  }
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
  if (headers.expect !== undefined) response.writeContinue();
  return collect(request, limitBytes, tooLarge);
}

function collect(
  request: IncomingMessage,
  limitBytes: number,
  tooLarge: () => Error,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  let bytes = 0;
  const take = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= limitBytes) return void parts.push(part);
    request.off('data', take);
    reject(tooLarge());
  };
  request.on('data', take);
  request.once('end', () => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
  request.once('close', () => {
    const message = 'the connection was closed';
    reject(new MeridianError<DataProblemCode>('request_aborted', message));
  });
  return promise;
}

/** Whether a body is still on its way. (A request without one is complete a moment after its head.) */
export function isEarly(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What an operation without a body may be sent all the same. */
export function ignoreBody(request: IncomingMessage): void {
  discard(request, ignoredBytes);
}

/**
 * After an answer that did not wait for the body: what still comes is thrown away, so that no reset
 * overtakes the answer, and the connection can be kept: a client that was told nothing else uses
 * it again (RFC 9112, 9.6).
 */
export function discardRest(request: IncomingMessage): void {
  discard(request, discardedBytes);
}

function discard(request: IncomingMessage, mostBytes: number): void {
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > mostBytes) request.socket.destroy();
  });
}
