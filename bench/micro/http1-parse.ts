/**
 * What the wire code costs, in nanoseconds per operation: medians of several rounds, to be
 * read beside a run of the commit before on the same machine, never alone.
 *
 *   node bench/micro/http1-parse.ts [ROUNDS]
 */
import { BodyDecoder } from '../../src/gateway/http1/body-decoder.ts';
import { chunkedBody } from '../../src/gateway/http1/framing.ts';
import { defaultWireLimits as limits } from '../../src/gateway/http1/limits.ts';
import { parseRequestHead } from '../../src/gateway/http1/request-parser.ts';
import { parseResponseHead } from '../../src/gateway/http1/response-parser.ts';
import { serialiseRequestHead, serialiseResponseHead } from '../../src/gateway/http1/serialise.ts';
import { normalisePath } from '../../src/gateway/path.ts';
import { compileRouter } from '../../src/gateway/router/router.ts';

const request = Buffer.from(
  [
    'GET /v1/rates/EUR-USD?at=2024-05-01 HTTP/1.1',
    'Host: api.exchange.test:8080',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: application/json, text/plain;q=0.9, */*;q=0.8',
    'Accept-Language: en-GB,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br',
    'Authorization: Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
    'Cookie: session=4f0c2a1e9b7d4c55; theme=dark',
    'Referer: https://app.exchange.test/markets',
    'Cache-Control: no-cache',
    'Connection: keep-alive',
    '\r\n',
  ].join('\r\n'),
);
const response = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'Date: Wed, 01 May 2024 10:00:00 GMT',
    'Server: origin',
    'Content-Type: application/json; charset=utf-8',
    'Cache-Control: max-age=1',
    'ETag: "33a64df551425fcc55e4d42a148795d9f25f89d4"',
    'Content-Length: 130',
    '\r\n',
  ].join('\r\n'),
);
const extra =
  'X-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\nX-Forwarded-For: 192.0.2.7\r\n' +
  'X-Forwarded-Proto: http\r\nX-Forwarded-Host: api.exchange.test\r\n' +
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n';
const chunked = Buffer.from(`${`400\r\n${'x'.repeat(1024)}\r\n`.repeat(8)}0\r\n\r\n`);
const head = parseRequestHead(request, 0, request.length, limits)!;
const responseHead = parseResponseHead(response, 0, response.length, limits, 'GET')!;
const out = Buffer.allocUnsafe(16_384);
const routes = (count: number) =>
  compileRouter(
    Array.from({ length: count }, (_, at) => ({
      name: `r${at}`,
      hosts: at % 2 === 0 ? ['api.exchange.test'] : [`h${at}.exchange.test`],
      ...(at === 0 ? { pattern: '/v1/rates/:pair' } : { prefix: `/v1/p${at}/q` }),
      service: 's',
    })),
  );
const few = routes(10);
const many = routes(10_000);

const cases: readonly [string, () => unknown][] = [
  ['request head, parse', () => parseRequestHead(request, 0, request.length, limits)],
  ['request head, serialise and encode', () => out.write(serialiseOne(), 0, 'latin1')],
  [
    'request head, parse, normalise, serialise, encode',
    () => {
      const parsed = parseRequestHead(request, 0, request.length, limits)!;
      return out.write(serialiseOne(parsed), 0, 'latin1');
    },
  ],
  ['response head, parse', () => parseResponseHead(response, 0, response.length, limits, 'GET')],
  [
    'response head, serialise and encode',
    () =>
      out.write(
        serialiseResponseHead({
          head: responseHead,
          body: responseHead.body,
          keepAlive: true,
          extra: 'Meridian-Region: eu-west-1\r\n',
          fromPeer: false,
        }),
        0,
        'latin1',
      ),
  ],
  [
    'chunked body, 8 chunks of 1 KiB',
    () => new BodyDecoder(chunkedBody, limits).decode(chunked, 0, chunked.length, () => {}),
  ],
  ['path, canonical', () => normalisePath('/v1/rates/EUR-USD')],
  ['path, to be resolved', () => normalisePath('/v1/./x/%2e%2e//rates/EUR%2dUSD')],
  ['route of 10', () => few.match('api.exchange.test', '/v1/rates/EUR-USD', 'GET')],
  ['route of 10,000', () => many.match('api.exchange.test', '/v1/rates/EUR-USD', 'GET')],
];

function serialiseOne(of = head): string {
  return serialiseRequestHead({
    method: of.method,
    target: normalisePath(of.path) + of.query,
    authority: of.authority,
    head: of,
    fields: of.fields,
    body: of.body,
    extra,
    strip: 'outside',
  });
}

const operations = 20_000;
const rounds = Number(process.argv[2] ?? 9);
const times = cases.map((): number[] => []);
for (let round = -2; round < rounds; round++) {
  for (const [at, [, run]] of cases.entries()) {
    const startedNs = process.hrtime.bigint();
    for (let count = 0; count < operations; count++) run();
    const ns = Number(process.hrtime.bigint() - startedNs) / operations;
    if (round >= 0) times[at]!.push(ns);
  }
}
for (const [at, [name]] of cases.entries()) {
  const sorted = times[at]!.sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(0);
  console.log(
    `${name.padEnd(52)} ${quantile(0.5).padStart(7)} ns  (${quantile(0.25)}–${quantile(0.75)})`,
  );
}
