import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { oneRegion, type StartedGateway, startGateway } from '../../../test/support/gateways.ts';
import {
  block,
  END_STREAM,
  type FieldPairs,
  fieldFrames,
  RawHttp2,
} from '../../../test/support/raw-http2.ts';
import { RawOrigin } from '../../../test/support/raw-origin.ts';

type Field = readonly [string, string];

/** What a client sends on one stream. */
interface Sent {
  readonly fields: FieldPairs;
  /** DATA one by one; none: the head ends the stream. */
  readonly content: readonly string[];
  readonly trailers: FieldPairs | undefined;
}

const hostileTexts = [
  ...['\r\n', '\n', '\r', '\0', 'a\r\nb: c', 'a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n', '\x7f'],
  ...['', ' ', 'a ', '\ta', 'a b', 'a\tb', '\xe4\xf6', '\x85', 'chunked', 'gzip, chunked', 'close'],
  ...['0', '5', '05', '+5', '5, 5', '0x5', '99999999999999999999', 'trailers', 'host', 'x-other'],
];
const hostileNames = [
  ...['transfer-encoding', 'content-length', 'connection', 'te', 'trailer', 'upgrade', 'host'],
  ...['keep-alive', 'proxy-connection', 'expect', 'cookie', 'http2-settings', 'proxy'],
  ...['x-forwarded-for', 'meridian-hops', 'x-request-id', 'traceparent', 'via'],
  ...['Transfer-Encoding', 'transfer_encoding', 'transfer-encoding ', 'content-length\0', 'x y'],
  ...['x:y', ':x', '', 'x\r\ny', 'x\ty', 'x\xe4', ':path', ':method', ':authority', ':status'],
];
const hostilePaths = [
  ...['/', '/a', '/a?b=c', '//', '//b.test/', '/a//b', '/./a', '/a/../b', '/..', '/a/..;x/b', '*'],
  ...[
    'http://b.test/',
    'a',
    '',
    '/a b',
    '/a HTTP/1.1\r\nHost: b',
    '/a\0',
    '/a#b',
    '/%00',
    '/%2e%2e',
  ],
  ...[
    '/%2f',
    '/%0d%0a',
    '/a%20b',
    '/\\',
    '/?\\',
    '/?a b',
    '/?a\r\nb',
    '/\xe4',
    '/{}|^',
    '/?{}|^"<>',
  ],
];
const hostileAuthorities = [
  ...[
    'a.test',
    'A.TEST:80',
    '',
    'u@a.test',
    'u:p@a.test',
    'a.test/x',
    'a.test?',
    'a test',
    'a.test:',
  ],
  ...[
    'a.test:0',
    'a.test:99999',
    '[::1]:80',
    '[::1',
    'a.test\r\nx: y',
    'a.test,b.test',
    '.',
    'a..b',
  ],
];
const hostileMethods = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'X!#', ''],
  ...['GET ', 'GET / HTTP/1.1', 'G\r\nT', 'G\0'],
];

const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map(toOctets) },
);
const anyName = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...hostileNames) },
  { weight: 1, arbitrary: fc.constantFrom('x-one', 'accept', 'x-two') },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }).map(toOctets) },
);
const anyFields = fc.array(fc.tuple(anyName, anyText), { maxLength: 3 });

function toOctets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Mostly what is right, so that much of what is generated is accepted. */
function mostly<T extends string>(right: string, others: readonly T[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(right) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

const plain: fc.Arbitrary<Field[]> = fc.array(
  fc.tuple(
    fc.constantFrom('x-one', 'accept', 'cookie', 'x-empty'),
    fc.constantFrom('a', 'a, b', 'trailers', '', '\xe4'),
  ),
  { maxLength: 3 },
);

const anySent: fc.Arbitrary<Sent> = fc
  .record({
    method: mostly('POST', hostileMethods),
    scheme: mostly('http', ['https', 'ftp', '', 'http\r\n']),
    path: mostly('/a?b', hostilePaths),
    authority: mostly('a.test', hostileAuthorities),
    fields: fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: anyFields }),
    content: fc.array(
      fc.constantFrom('', 'a', '0\r\n\r\n', '5\r\nhello\r\n', 'GET / HTTP/1.1\r\n\r\n'),
      {
        maxLength: 3,
      },
    ),
    length: fc.constantFrom(
      ...(['none', 'none', 'right', 'right', 'right', 'less', 'more'] as const),
    ),
    trailers: fc.option(anyFields, { nil: undefined, freq: 4 }),
  })
  .map(({ method, scheme, path, authority, fields, content, length, trailers }) => {
    const bytes = content.join('').length + { none: 0, right: 0, less: -1, more: 1 }[length];
    const declared: Field[] = length === 'none' ? [] : [['content-length', String(bytes)]];
    const head: Field[] = [
      [':method', method],
      [':scheme', scheme],
      [':path', path],
      [':authority', authority],
    ];
    return { fields: [...head, ...declared, ...fields], content, trailers };
  });

interface ReadRequest {
  readonly label: string;
  readonly body: string;
  /** What follows it. */
  readonly rest: string;
}

/** As strict as can be, and written without a look at the gateway's own parser. */
function readRequest(text: string): ReadRequest | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [line, ...fields] = text.slice(0, end).split('\r\n');
  assert.match(line!, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ (\/[!"$-~]*|\*) HTTP\/1\.1$/);
  const values = new Map<string, string[]>();
  for (const field of fields) {
    const found = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\t -~\x80-\xff]*)$/.exec(field);
    assert.ok(found, `field ${JSON.stringify(field)}`);
    const name = found[1]!.toLowerCase();
    values.set(name, [...(values.get(name) ?? []), found[2]!]);
  }
  assert.equal(values.get('host')?.length, 1);
  for (const name of ['connection', 'te', 'upgrade', 'trailer', 'keep-alive', 'proxy-connection']) {
    assert.equal(values.has(name), false, name);
  }
  const length = values.get('content-length');
  const coding = values.get('transfer-encoding');
  const label = values.get('x-label')!.join();
  const rest = text.slice(end + 4);
  if (coding) {
    assert.deepEqual([coding, length], [['chunked'], undefined]);
    const content = readChunks(rest);
    return content && { label, ...content };
  }
  if (!length) return { label, body: '', rest };
  assert.equal(length.length, 1);
  const bytes = Number(/^(?:0|[1-9]\d*)$/.exec(length[0]!)![0]);
  if (rest.length < bytes) return undefined;
  return { label, body: rest.slice(0, bytes), rest: rest.slice(bytes) };
}

function readChunks(text: string): { readonly body: string; readonly rest: string } | undefined {
  let body = '';
  for (let rest = text; ; ) {
    const size = /^([0-9a-f]+)\r\n/.exec(rest);
    if (!size) return undefined;
    const bytes = Number.parseInt(size[1]!, 16);
    rest = rest.slice(size[0].length);
    if (bytes === 0) {
      const trailers = /^(?:[!-9;-~]+: [\t -~\x80-\xff]*\r\n)*\r\n/.exec(rest);
      return trailers ? { body, rest: rest.slice(trailers[0].length) } : undefined;
    }
    if (rest.length < bytes + 2) return undefined;
    assert.equal(rest.slice(bytes, bytes + 2), '\r\n');
    body += rest.slice(0, bytes);
    rest = rest.slice(bytes + 2);
  }
}

/** Whole requests that came on all connections of the origin: labels and bodies. */
function readAll({ received }: RawOrigin): Map<string, string> {
  const bodies = new Map<string, string>();
  for (const text of received) {
    for (let request = readRequest(text); request; request = readRequest(request.rest)) {
      assert.equal(bodies.has(request.label), false, 'it came twice');
      bodies.set(request.label, request.body);
    }
  }
  return bodies;
}

describe('what reaches a service that knows HTTP/1.1 only', () => {
  let origin: RawOrigin;
  let started: StartedGateway;
  let client: RawHttp2 | undefined;
  let stream = -1;
  let sinceConnect = 0;

  before(async () => {
    origin = await RawOrigin.listen();
    started = await startGateway({
      config: oneRegion(origin.port),
      listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    });
  });
  after(async () => {
    client?.close();
    await started.gateway.close();
    await origin.close();
    assert.deepEqual(started.defects, []);
  });

  /** The status, or 0: no answer. */
  async function exchange({ fields, content, trailers }: Sent): Promise<number> {
    if (!client || client.closed || ++sinceConnect > 60) {
      client?.close();
      client = await RawHttp2.connect(started.port);
      stream = -1;
      sinceConnect = 0;
    }
    stream += 2;
    const bare = content.length === 0 && !trailers;
    const parts = fieldFrames(stream, block(fields), bare ? END_STREAM : 0);
    client.send(...parts);
    for (const [at, part] of content.entries()) {
      client.data(stream, part, !trailers && at === content.length - 1 ? END_STREAM : 0);
    }
    if (trailers) client.headers(stream, trailers, END_STREAM);
    try {
      return (await client.answer(stream)).status;
    } catch (error) {
      assert.match(String(error), /Error: reset: [15]$/);
      return 0;
    }
  }

  test('is one well-formed request for each that was accepted, and nothing else', async () => {
    const accepted = new Map<string, string>();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(anySent, async (sent) => {
        const label = String(++count);
        const before = origin.requests.length;
        const status = await exchange({ ...sent, fields: [...sent.fields, ['x-label', label]] });
        const body = sent.content.join('');
        if (status === 200) accepted.set(label, body);
        assert.deepEqual(
          origin.requests.slice(before).map((seen) => seen.body),
          status === 200 ? [body] : [],
          `answered with ${status}`,
        );
      }),
      { numRuns: 400 },
    );
    assert.deepEqual(readAll(origin), accepted);
    // The generator is worth something only where both happen often.
    assert.ok(accepted.size > 50 && count - accepted.size > 50, `${accepted.size} of ${count}`);
  });
});
