import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContentReader, finalHead, searchedBytes } from './http-answer.ts';

const cases: [string, number | 'malformed' | undefined][] = [
  ['', undefined],
  ['HTT', undefined],
  ['HTTP/1.1 20', undefined],
  ['HTTP/1.1 200 OK\r\n', 200],
  ['HTTP/1.0 204\r\n', 204],
  ['HTTP/1.1 503 \r\nX: y\r\n', 503],
  ['HTTP/1.1 200 OK\n', 200],
  ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n', undefined],
  ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n', undefined],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n', 200],
  ['HTTP/2 200\r\n', 'malformed'],
  ['HTTP/1.1 2000 OK\r\n', 'malformed'],
  ['HTTP/1.1 099 OK\r\n', 'malformed'],
  ['SSH-2.0-OpenSSH_9.2', 'malformed'],
  ['\r\n', 'malformed'],
  [`HTTP/1.1 200 ${'x'.repeat(2_000)}`, 'malformed'],
];

for (const [answer, expected] of cases) {
  test(`${JSON.stringify(answer.slice(0, 50))} → ${expected}`, () => {
    const head = finalHead(answer);
    assert.equal(typeof head === 'object' ? head.status : head, expected);
  });
}

function contentIn(answer: string, pieceBytes = answer.length): ContentReader | 'broken' {
  const headEnd = answer.indexOf('\r\n\r\n');
  const reader = new ContentReader(answer, 0, headEnd);
  for (let read = headEnd; read < answer.length + pieceBytes; read += pieceBytes) {
    if (!reader.read(answer.slice(0, read))) return 'broken';
  }
  return reader;
}

const head = 'HTTP/1.1 200 OK\r\n';
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
const contents: [string, string, string, boolean][] = [
  ['bounded by its length', `${head}Content-Length: 5\r\n\r\nhello!`, 'hello', true],
  ['not whole', `${head}Content-Length: 5\r\n\r\nhel`, 'hel', false],
  ['without length', `${head}\r\nhello`, 'hello', false],
  ['empty', `${head}content-length:0\r\n\r\n`, '', true],
  ['in chunks', `${chunked}3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n`, 'hello', true],
  ['a chunk that is not whole', `${chunked}3\r\nhel\r\nff\r\nlo`, 'hello', false],
  ['a chunk whose line is not whole', `${chunked}3\r\nhel\r\n2`, 'hel', false],
];

for (const [what, answer, expected, complete] of contents) {
  test(`content ${what}, in one piece and in many`, () => {
    for (const pieceBytes of [answer.length, 1, 3]) {
      const reader = contentIn(answer, pieceBytes);
      assert.ok(reader !== 'broken');
      assert.deepEqual([reader.content, reader.complete], [expected, complete]);
    }
  });
}

test('content is read as far as it is looked into', () => {
  for (const answer of [
    `${head}\r\n${'x'.repeat(9_000)}`,
    `${chunked}${'5dc\r\n'.concat('x'.repeat(1_500), '\r\n').repeat(5)}`,
  ]) {
    const reader = contentIn(answer, 700);
    assert.ok(reader !== 'broken');
    assert.deepEqual([reader.content, reader.complete], ['x'.repeat(searchedBytes), true]);
  }
});

test('broken framing is told', () => {
  for (const content of ['hello\r\n', '-1\r\n', `3${' '.repeat(1_500)}`, 'fffffffff\r\n']) {
    assert.equal(contentIn(chunked + content), 'broken', content);
  }
});
