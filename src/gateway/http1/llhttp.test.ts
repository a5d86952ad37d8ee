/**
 * Differential test against Node's own parser: whatever llhttp refuses, we refuse, and
 * what both accept, both read as the same messages. One that we split otherwise than
 * llhttp would be a way to smuggle a request past one of two servers.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { BodyDecoder } from './body-decoder.ts';
import { defaultWireLimits as limits } from './limits.ts';
import { parseRequestHead } from './request-parser.ts';
import { WireError } from './wire-error.ts';

interface Message {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** The messages that are complete in the input, up to the first that is not or ends the connection. */
function ours(wire: string): { messages: Message[]; end: string } {
  const bytes = Buffer.from(wire, 'latin1');
  const messages: Message[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const head = parseRequestHead(bytes, at, bytes.length, limits);
      if (head === undefined) return { messages, end: 'incomplete head' };
      at += head.headBytes;
      let body = '';
      const decoder = new BodyDecoder(head.body, limits);
      at += decoder.decode(bytes, at, bytes.length, (part) => {
        body += part.toString('latin1');
      });
      if (!decoder.done) return { messages, end: 'incomplete body' };
      messages.push({ method: head.method, target: head.target, body });
      if (!head.keepAlive) return { messages, end: 'closed' };
    }
    return { messages, end: 'clean' };
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return { messages, end: error.code };
  }
}

const received = new Map<number, Message[]>();
const refusals = new Map<number, string>();
const server = http.createServer({ insecureHTTPParser: false }, (request, response) => {
  const port = request.socket.remotePort!;
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (part: string) => {
    body += part;
  });
  request.on('end', () => {
    received.get(port)!.push({ method: request.method!, target: request.url!, body });
    response.end();
  });
});
server.on('connection', (socket) => received.set(socket.remotePort!, []));
server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
  if (socket instanceof net.Socket) refusals.set(socket.remotePort!, error.code ?? 'error');
  socket.destroy();
});
/** Without it, the end of the input would abort requests that are complete. */
Object.assign(server, { httpAllowHalfOpen: true });
const listening = new Promise<number>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** What llhttp makes of the input, followed by the end of the stream. */
async function theirs(wire: string): Promise<{ messages: Message[]; refusal: string | undefined }> {
  const socket = net.connect(await listening, '127.0.0.1');
  let port = 0;
  await new Promise<void>((resolve) => {
    socket.on('connect', () => {
      port = socket.localPort!;
      socket.end(wire, 'latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
  const result = { messages: received.get(port) ?? [], refusal: refusals.get(port) };
  received.delete(port);
  refusals.delete(port);
  return result;
}

/** Returns how many messages both accepted. */
async function compare(wire: string): Promise<number> {
  const mine = ours(wire);
  const node = await theirs(wire);
  if (node.refusal === 'HPE_INVALID_METHOD') return 0;
  const shown = JSON.stringify({ wire, mine, node }, undefined, 1);
  assert.deepEqual(mine.messages, node.messages.slice(0, mine.messages.length), shown);
  if (mine.end === 'clean') {
    assert.equal(node.refusal, undefined, shown);
    assert.equal(node.messages.length, mine.messages.length, shown);
  }
  return mine.messages.length;
}

function corpus(file: string): { name: string; message: string }[] {
  return JSON.parse(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'));
}

test('the corpora', async () => {
  let common = 0;
  for (const { message } of corpus('requests-accepted.json')) common += await compare(message);
  assert.ok(common > 20, `only ${common}`);
  for (const { message } of corpus('requests-refused.json'))
    assert.equal(await compare(message), 0);
});

const lines = [
  ...[
    'Host: b.test',
    'host:a.test',
    'Content-Length: 3',
    'content-length: 4',
    'Content-Length: +3',
  ],
  ...['Content-Length: 3, 3', 'Content-Length: 03', 'Content-Length : 3', 'Content-Length: 3 '],
  ...['Transfer-Encoding: chunked', 'transfer-encoding:\tchunked ', 'Transfer-Encoding: xchunked'],
  ...['Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked, chunked', 'TE: trailers'],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: \x0bchunked',
    'Transfer-Encoding: "chunked"',
  ],
  ...['Connection: close', 'Connection: keep-alive', 'Connection: x, close', 'Connection: upgrade'],
  ...['Expect: 100-continue', 'A: \xe4', 'A:', ': b', ' folded', '\tfolded', 'A B: c', 'A\0: b'],
  ...['A: b\rC: d', 'A: b\nC: d', 'A: b\x7f', 'A: b\x01', 'A', 'Trailer: x', 'Keep-Alive: 1'],
];
const bodies = [
  ...['', 'abc', 'abcd', '0\r\n\r\n', '3\r\nabc\r\n0\r\n\r\n', '3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n'],
  ...['3 \r\nabc\r\n0\r\n\r\n', '3\nabc\n0\n\n', '0x3\r\nabc\r\n0\r\n\r\n', '3\r\nabc0\r\n\r\n'],
  ...[
    '3;\r\nabc\r\n0\r\n\r\n',
    '3;a="b\r\nabc\r\n0\r\n\r\n',
    '0\r\nA: b\n\r\n',
    '0\r\n',
    '-3\r\nabc',
  ],
];
const starts = [
  ...[
    'GET / HTTP/1.1',
    'POST /x?y HTTP/1.1',
    'GET / HTTP/1.0',
    'OPTIONS * HTTP/1.1',
    'HEAD / HTTP/1.1',
  ],
  ...['GET http://a.test/ HTTP/1.1', 'GET /\xe4 HTTP/1.1', 'GET  / HTTP/1.1', 'GET / HTTP/1.2'],
  ...['\r\nPUT / HTTP/1.1', '\nGET / HTTP/1.1', 'GET / HTTP/1.1 ', 'GET /a b HTTP/1.1', 'GET /'],
];
const endings = fc.oneof(
  { weight: 12, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r') },
);
const nastyMessage = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...starts.slice(0, 2)) },
      { weight: 1, arbitrary: fc.constantFrom(...starts) },
    ),
    fc.array(fc.tuple(fc.constantFrom(...lines), endings), { maxLength: 3 }),
    fc.array(endings, { minLength: 3, maxLength: 3 }),
    fc.constantFrom(...bodies),
  )
  .map(
    ([start, fields, ends, body]) =>
      `${start}${ends[0]}Host: a.test${ends[1]}${fields.flat().join('')}${ends[2]}${body}`,
  );
const soundMessage = fc.constantFrom(
  'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n',
  'POST /b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc',
  'POST /c HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n',
);
const wire = fc
  .array(fc.oneof(nastyMessage, soundMessage), { minLength: 1, maxLength: 3 })
  .map((messages) => messages.join(''));

test('property: composed of sound and nasty parts', async () => {
  let common = 0;
  await fc.assert(
    fc.asyncProperty(wire, async (text) => {
      common += await compare(text);
    }),
    { numRuns: 500 },
  );
  assert.ok(common > 150, `only ${common} messages were accepted by both`);
});

test('property: sound messages with a few octets changed', async () => {
  const octet = fc.constantFrom(...'\r\n\0\t :,;=01aA"\\/#%\x7f\x80\xff\x0b');
  const change = fc.tuple(fc.nat(), octet, fc.constantFrom('insert', 'replace', 'delete'));
  const changed = fc
    .tuple(
      fc.array(soundMessage, { minLength: 1, maxLength: 2 }),
      fc.array(change, { maxLength: 2 }),
    )
    .map(([messages, changes]) => {
      let text = messages.join('');
      for (const [place, inserted, kind] of changes) {
        const at = place % text.length;
        const rest = text.slice(kind === 'insert' ? at : at + 1);
        text = text.slice(0, at) + (kind === 'delete' ? '' : inserted) + rest;
      }
      return text;
    });
  let common = 0;
  await fc.assert(
    fc.asyncProperty(changed, async (text) => {
      common += await compare(text);
    }),
    { numRuns: 500 },
  );
  assert.ok(common > 200, `only ${common} messages were accepted by both`);
});
