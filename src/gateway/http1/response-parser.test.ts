import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultWireLimits as limits } from './limits.ts';
import { parseResponseHead, type ResponseHead } from './response-parser.ts';

interface Case {
  readonly name: string;
  readonly method: string;
  readonly message: string;
  readonly expect: Record<string, unknown>;
}

function parse(message: string, method = 'GET', some = limits): ResponseHead | undefined {
  const bytes = Buffer.from(message, 'latin1');
  return parseResponseHead(bytes, 0, bytes.length, some, method);
}

function corpus(file: string): Case[] {
  return JSON.parse(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'));
}

const refused = { name: 'WireError', code: 'bad_upstream_response', status: 502 };

for (const { name, message, method, expect } of corpus('responses-accepted.json')) {
  test(`accepted: ${name}`, () => {
    const head = parse(message, method);
    assert.ok(head);
    for (const [key, value] of Object.entries(expect)) {
      assert.deepEqual(head[key as keyof ResponseHead] ?? null, value, key);
    }
    assert.equal(head.headBytes, message.length);
    for (let length = 0; length < message.length; length++) {
      assert.equal(parse(message.slice(0, length), method), undefined, `${length} octets`);
    }
  });
}

for (const { name, message, method } of corpus('responses-refused.json')) {
  test(`refused: ${name}`, () => {
    assert.throws(() => parse(message, method), refused);
  });
}

test('what cannot become a response is refused at its first wrong octet', () => {
  for (const start of ['X', 'HTTP/1.1x', 'HTTP/1.1 2x', 'HTTP/1.1 200x', '\r\n', 'HTTP/2']) {
    assert.throws(() => parse(start), { code: 'bad_upstream_response' }, start);
  }
});

test('limits hold for responses, complete or not', () => {
  const small = { ...limits, requestLineBytes: 24, headerBytes: 32 };
  assert.ok(parse(`HTTP/1.1 200 ${'x'.repeat(9)}\r\n\r\n`, 'GET', small));
  const long = `HTTP/1.1 200 ${'x'.repeat(10)}\r\n\r\n`;
  assert.throws(() => parse(long, 'GET', small), { code: 'bad_upstream_response' });
  assert.throws(() => parse(long.slice(0, 24), 'GET', small), { code: 'bad_upstream_response' });
  assert.throws(() => parse(`HTTP/1.1 200 OK\r\nA: ${'x'.repeat(40)}`, 'GET', small), {
    code: 'bad_upstream_response',
  });
});
