import { BodyDecoder } from '../../src/gateway/http1/body-decoder.ts';
import { chunkedBody } from '../../src/gateway/http1/framing.ts';
import { defaultWireLimits as limits } from '../../src/gateway/http1/limits.ts';
import { parseRequestHead } from '../../src/gateway/http1/request-parser.ts';
import { parseResponseHead } from '../../src/gateway/http1/response-parser.ts';
import { serialiseRequestHead, serialiseResponseHead } from '../../src/gateway/http1/serialise.ts';
import { normalisePath } from '../../src/gateway/router/path.ts';
import type { MicroCase } from './micro-case.ts';
import { requestBytes, responseBytes } from './sample-messages.ts';

const extra =
  'X-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\nX-Forwarded-For: 192.0.2.7\r\n' +
  'X-Forwarded-Proto: http\r\nX-Forwarded-Host: api.exchange.test\r\n' +
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n';
const chunked = Buffer.from(`${`400\r\n${'x'.repeat(1024)}\r\n`.repeat(8)}0\r\n\r\n`);
const out = Buffer.allocUnsafe(16_384);

const parseRequest = () => parseRequestHead(requestBytes, 0, requestBytes.length, limits)!;
const parseResponse = () =>
  parseResponseHead(responseBytes, 0, responseBytes.length, limits, 'GET')!;
const request = parseRequest();
const response = parseResponse();

function writeRequest(head: typeof request): number {
  const text = serialiseRequestHead({
    method: head.method,
    target: normalisePath(head.path) + head.query,
    authority: head.authority,
    head,
    fields: head.fields,
    body: head.body,
    extra,
    strip: 'outside',
  });
  return out.write(text, 0, 'latin1');
}

function writeResponse(): number {
  const text = serialiseResponseHead({
    head: response,
    body: response.body,
    keepAlive: true,
    extra: 'Meridian-Region: eu-west-1\r\n',
    fromPeer: false,
  });
  return out.write(text, 0, 'latin1');
}

export const http1: readonly MicroCase[] = [
  { name: 'http1: request head, parse', run: parseRequest },
  { name: 'http1: request head, serialise and encode', run: () => writeRequest(request) },
  { name: 'http1: request head, parse to encode', run: () => writeRequest(parseRequest()) },
  { name: 'http1: response head, parse', run: parseResponse },
  { name: 'http1: response head, serialise and encode', run: writeResponse },
  {
    name: 'http1: chunked body, 8 chunks of 1 KiB',
    run: () => new BodyDecoder(chunkedBody, limits).decode(chunked, 0, chunked.length, () => {}),
  },
];
