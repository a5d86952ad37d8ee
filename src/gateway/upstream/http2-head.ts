import { STATUS_CODES } from 'node:http';
import { type BodyFraming, chunkedBody, noBody } from '../http1/framing.ts';
import type { ResponseHead } from '../http1/response-parser.ts';
import type { ResponseSection } from '../http2/field-section.ts';

const noOptions: readonly string[] = [];
const emptyBody: BodyFraming = { kind: 'length', length: 0 };

/** @param ended nothing follows the head */
export function responseHeadOf(
  section: ResponseSection,
  method: string,
  ended: boolean,
): ResponseHead {
  const { status, fields, contentLength, blockBytes } = section;
  return {
    headBytes: blockBytes,
    status,
    // Not sent in HTTP/2; a client in HTTP/1.1 may show it.
    reason: STATUS_CODES[status] ?? '',
    minor: 1,
    fields,
    connection: noOptions,
    body: bodyOf(section, method, ended),
    contentLength: contentLength < 0 ? undefined : contentLength,
    keepAlive: true,
    upgrade: undefined,
  };
}

function bodyOf(
  { status, contentLength }: ResponseSection,
  method: string,
  ended: boolean,
): BodyFraming {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return noBody;
  if (ended) return emptyBody;
  return contentLength < 0 ? chunkedBody : { kind: 'length', length: contentLength };
}
