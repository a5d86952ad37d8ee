import type { Duplex } from 'node:stream';
import { codeOf } from '../../base/errors.ts';
import { problem } from './answer.ts';
import { endSoon } from './end-soon.ts';
import type { DataProblemCode } from './problems.ts';

/**
 * Answers what node:http could not read, or waited for too long, and closes the connection.
 *
 * @returns the status; `undefined`: there was nobody left to answer
 */
export function refuseMalformed(error: Error, socket: Duplex): number | undefined {
  if (!socket.writable || codeOf(error) === 'ECONNRESET') {
    socket.destroy();
    return undefined;
  }
  const { status, contentType, body = '' } = problem(codeOfMalformed(error), 'it is closed here');
  const head = [
    `HTTP/1.1 ${status} `,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  endSoon(socket, `${head.join('\r\n')}\r\n\r\n${body}`);
  return status;
}

function codeOfMalformed(error: Error): DataProblemCode {
  if (codeOf(error) === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return codeOf(error) === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'malformed_request';
}
