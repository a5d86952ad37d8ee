import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultWireLimits as limits } from './limits.ts';
import { parseRequestHead, type RequestHead } from './request-parser.ts';
import { WireError, type WireErrorCode, wireStatuses } from './wire-error.ts';

interface Accepted {
  readonly name: string;
  readonly message: string;
  readonly expect: Record<string, unknown>;
}
interface Refused {
  readonly name: string;
  readonly message: string;
  readonly code: WireErrorCode;
}

function parse(message: string, some = limits): RequestHead | undefined {
  const bytes = Buffer.from(message, 'latin1');
  return parseRequestHead(bytes, 0, bytes.length, some);
}

function corpus<Case>(file: string): Case[] {
  return JSON.parse(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'));
}

function refusal(run: () => unknown): WireError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return error;
  }
  return assert.fail('was accepted');
}

for (const { name, message, expect } of corpus<Accepted>('requests-accepted.json')) {
  test(`accepted: ${name}`, () => {
    const head = parse(message);
    assert.ok(head);
    for (const [key, value] of Object.entries(expect)) {
      assert.deepEqual(head[key as keyof RequestHead] ?? null, value, key);
    }
    assert.equal(head.headBytes, message.indexOf('\r\n\r\n', 4) + 4);
  });
}

for (const { name, message, code } of corpus<Refused>('requests-refused.json')) {
  test(`refused: ${name}`, () => {
    const error = refusal(() => parse(message));
    assert.equal(error.code, code);
    assert.equal(error.status, wireStatuses[code]);
  });
}

test('a head is incomplete until its last octet', () => {
  const message = '\r\nPOST /x?y HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n';
  for (let length = 0; length < message.length; length++) {
    assert.equal(parse(message.slice(0, length)), undefined, `${length} octets`);
  }
  assert.equal(parse(message)?.headBytes, message.length);
});

test('only bytes[start,end) are looked at', () => {
  const message = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const bytes = Buffer.from(`\0\0${message}\0GET / HTTP/1.1\r\n\r\n`);
  const head = parseRequestHead(bytes, 2, bytes.length, limits);
  assert.equal(head?.headBytes, message.length);
  assert.equal(parseRequestHead(bytes, 2, 2 + message.length - 1, limits), undefined);
});

test('limits: each is exact, and enforced before the head is complete', () => {
  const small = { ...limits, requestLineBytes: 32, headerBytes: 64, headerCount: 3 };
  const line = (bytes: number) => `GET /${'a'.repeat(bytes - 16)} HTTP/1.1\r\n`;
  assert.equal(line(32).length, 32);
  const host = 'Host: a\r\n';
  assert.ok(parse(`${line(32)}${host}\r\n`, small));
  assert.equal(refusal(() => parse(`${line(33)}${host}\r\n`, small)).status, 414);
  assert.equal(refusal(() => parse(line(33).slice(0, 32), small)).status, 414);
  assert.equal(parse(line(33).slice(0, 31), small), undefined);
  const padding = (bytes: number) => `${host}P: ${'x'.repeat(bytes - host.length - 7)}\r\n\r\n`;
  assert.equal(padding(64).length, 64);
  assert.ok(parse(`${line(32)}${padding(64)}`, small));
  assert.ok(parse(`\r\n${line(32)}${padding(64)}`, small));
  assert.equal(refusal(() => parse(`${line(32)}${padding(65)}`, small)).status, 431);
  assert.equal(refusal(() => parse(`${line(32)}${padding(65).slice(0, 64)}`, small)).status, 431);
  assert.equal(parse(`${line(32)}${padding(65).slice(0, 63)}`, small), undefined);
  assert.ok(parse(`${line(32)}${host}A:\r\nB:\r\n\r\n`, small));
  assert.equal(
    refusal(() => parse(`${line(32)}${host}A:\r\nB:\r\nC`, small)).code,
    'fields_too_large',
  );
});

test('a megabyte of field, and one that never ends, are refused', () => {
  const start = 'GET / HTTP/1.1\r\nHost: a.test\r\nX: ';
  assert.equal(refusal(() => parse(`${start}${'x'.repeat(1 << 20)}\r\n\r\n`)).status, 431);
  assert.equal(refusal(() => parse(start + 'x'.repeat(1 << 20))).status, 431);
  assert.equal(refusal(() => parse(`GET /${'x'.repeat(1 << 20)}`)).status, 414);
});

test('an error never quotes what was sent', () => {
  for (const { message } of corpus<Refused>('requests-refused.json')) {
    const error = refusal(() => parse(message.replaceAll('a.test', 'secret.test')));
    assert.doesNotMatch(error.message, /secret/);
  }
});
