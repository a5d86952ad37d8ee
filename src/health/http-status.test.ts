import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finalStatus } from './http-status.ts';

const cases: [string, ReturnType<typeof finalStatus>][] = [
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
    assert.equal(finalStatus(answer), expected);
  });
}
