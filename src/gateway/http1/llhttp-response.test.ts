/** As `llhttp.test.ts`, for responses: what Node's client refuses from an origin, we refuse. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { BodyDecoder } from './body-decoder.ts';
import { defaultWireLimits as limits } from './limits.ts';
import { parseResponseHead } from './response-parser.ts';
import { WireError } from './wire-error.ts';

interface Outcome {
  readonly status: number;
  readonly body: string;
}

interface Accepted extends Outcome {
  /** What comes after it is for the connection to refuse, not for the parser. */
  readonly bytes: number;
}

/** The final response of a connection that the origin then closes; else why there is none. */
function ours(wire: string, method: string): Accepted | string {
  const bytes = Buffer.from(wire, 'latin1');
  try {
    for (let at = 0; ; ) {
      const head = parseResponseHead(bytes, at, bytes.length, limits, method);
      if (head === undefined) return 'incomplete head';
      at += head.headBytes;
      if (head.status < 200) continue;
      let body = '';
      const decoder = new BodyDecoder(head.body, limits);
      at += decoder.decode(bytes, at, bytes.length, (part) => {
        body += part.toString('latin1');
      });
      decoder.finish();
      return { status: head.status, body, bytes: at };
    }
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return error.code;
  }
}

let answer = '';
const origin = net.createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answer, 'latin1'));
});
const listening = new Promise<number>((resolve) => {
  origin.listen(0, '127.0.0.1', () => resolve((origin.address() as net.AddressInfo).port));
});
after(() => origin.close());

async function theirs(wire: string, method: string): Promise<Outcome | string> {
  answer = wire;
  const port = await listening;
  return new Promise((resolve) => {
    const request = http.request({ host: '127.0.0.1', port, method, agent: false });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      resolve('upgrade');
    });
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.end();
  });
}

async function compare(wire: string, method: string): Promise<number> {
  const mine = ours(wire, method);
  if (typeof mine === 'string') return 0;
  const node = await theirs(wire.slice(0, mine.bytes), method);
  const { status, body } = mine;
  assert.deepEqual(
    { status, body },
    node,
    JSON.stringify({ wire, method, mine, node }, undefined, 1),
  );
  return 1;
}

test('the corpus', async () => {
  const url = new URL('./testdata/responses-accepted.json', import.meta.url);
  const corpus: { message: string; method: string }[] = JSON.parse(readFileSync(url, 'utf8'));
  let common = 0;
  for (const { message, method } of corpus) common += await compare(message, method);
  assert.ok(common >= 8, `only ${common}`);
});

const starts = [
  ...['HTTP/1.1 200 OK', 'HTTP/1.1 404 Not Found', 'HTTP/1.1 204 No Content', 'HTTP/1.1 304 N'],
  ...[
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK',
    'HTTP/1.0 200 OK',
    'HTTP/1.1 200',
    'HTTP/1.1 200 ',
  ],
  ...[
    'HTTP/1.1 200 \xe4\t',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.1 200 O\0K',
  ],
];
const lines = [
  ...[
    'Content-Length: 3',
    'content-length:3 ',
    'Content-Length: 4',
    'Content-Length: 0',
    'Content-Length: +3',
  ],
  ...[
    'Content-Length: 3,3',
    'Content-Length : 3',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip',
  ],
  ...[
    'Transfer-Encoding: chunked ',
    'Transfer-Encoding:\tChunked',
    'Transfer-Encoding: gzip, chunked',
  ],
  ...[
    'Connection: close',
    'Connection: keep-alive',
    'A: \xe4',
    'A:',
    'A: b\x01',
    ' folded',
    ': x',
    'A B: c',
  ],
];
const endings = fc.oneof(
  { weight: 14, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n') },
);
const bodies = [
  '',
  'abc',
  'abcd',
  '0\r\n\r\n',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;a\r\nabc\r\n0\r\nA: b\r\n\r\n',
  '3\r\nab',
];
const response = fc
  .tuple(
    fc.constantFrom(...starts.slice(0, 3), ...starts),
    endings,
    fc.array(fc.tuple(fc.constantFrom(...lines), endings), { maxLength: 3 }),
    endings,
    fc.constantFrom(...bodies),
  )
  .map(
    ([start, first, fields, last, body]) => start + first + fields.flat().join('') + last + body,
  );

test('property: what we accept, llhttp accepts as the same response', async () => {
  let common = 0;
  await fc.assert(
    fc.asyncProperty(response, fc.constantFrom('GET', 'GET', 'HEAD'), async (wire, method) => {
      common += await compare(wire, method);
    }),
    { numRuns: 600 },
  );
  assert.ok(common > 80, `only ${common} responses were accepted by both`);
});
