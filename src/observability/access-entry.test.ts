import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AccessEntry, formatAccessEntry } from './access-entry.ts';

const entry: AccessEntry = {
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  requestId: '01J',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  client: '203.0.113.9',
  listener: 'https',
  version: '1.1',
  method: 'GET',
  host: 'api.exchange.test',
  path: '/v1/rates',
  route: 'rates',
  service: 'rates',
  region: 'eu-west-1',
  upstream: '127.0.2.1:9001',
  status: 200,
  bytesIn: 120,
  bytesOut: 4_096,
  durationMs: 1.23456,
  hop: 0,
  retries: 1,
  error: undefined,
};

test('one line of JSON with every fact', () => {
  const { timeMs: _, error: __, ...facts } = entry;
  const line = formatAccessEntry(entry);
  assert.ok(!line.includes('\n'));
  assert.deepEqual(JSON.parse(line), {
    time: '2026-01-02T03:04:05.006Z',
    ...facts,
    durationMs: 1.235,
  });
});

test('what is absent is left out', () => {
  const line = formatAccessEntry({
    ...entry,
    route: undefined,
    service: undefined,
    region: undefined,
    upstream: undefined,
    error: 'no_route',
  });
  const keys = Object.keys(JSON.parse(line));
  for (const absent of ['route', 'service', 'region', 'upstream']) {
    assert.ok(!keys.includes(absent), absent);
  }
  assert.equal(JSON.parse(line).error, 'no_route');
});

test('a query never reaches the log', () => {
  const line = formatAccessEntry({ ...entry, path: '/v1/rates?token=s3cret' });
  assert.equal(JSON.parse(line).path, '/v1/rates');
  assert.ok(!line.includes('s3cret'));
});

test('property: whatever a client sends, the line is one object that reads back', () => {
  const awkward = fc.constantFrom('\n', '"', '\\', '\u2028', '\u0000', '\ud800', 'é');
  const unit = fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), awkward);
  const text = fc.array(unit, { maxLength: 20 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, text, (host, path, client) => {
      const line = formatAccessEntry({ ...entry, host, path, client });
      assert.ok(!/[\n\r]/.test(line));
      const read = JSON.parse(line);
      assert.deepEqual([read.host, read.path, read.client], [host, path.split('?')[0], client]);
    }),
  );
});
