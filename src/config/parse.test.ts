import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from './config-error.ts';
import { parseConfig } from './load.ts';

const valid = readFileSync(join(import.meta.dirname, 'testdata/valid.in.yaml'), 'utf8');

/** Accepted, or refused with issues that lie within the text: nothing else may happen. */
function parseSafely(text: string): boolean {
  try {
    parseConfig(text, 'm.yaml');
    return true;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error instanceof Error ? error.stack : error));
    const lines = text.split('\n').length;
    assert.ok(error.issues.length > 0);
    for (const { line = 0, column = 0 } of error.issues) {
      assert.ok(line >= 1 && line <= lines + 1, `line ${line} of ${lines}`);
      assert.ok(column >= 1);
    }
    return false;
  }
}

test('no text makes the reader fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void parseSafely(text)),
  );
});

test('no YAML-like text makes the reader fail', () => {
  const scraps = fc.constantFrom(
    ...['regions', 'services', 'routes', 'zones', 'endpoints', 'records', 'answers', 'check'],
    ...[': ', ':\n  ', '\n- ', '\n  - ', '[', ']', '{', '}', ', ', '\n', '\t', '&a ', '*a ', '!x '],
    ...[
      '"',
      "'",
      '|\n ',
      '? ',
      '<<: ',
      '--- ',
      '...\n',
      '%YAML 1.1\n',
      '#',
      '\0',
      '~',
      'null',
      '5s',
    ],
    ...['__proto__', 'constructor', '.inf', '-1', '1e999', '127.0.0.1', 'a.test', 'A'],
  );
  const text = fc.array(scraps, { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, (joined) => void parseSafely(joined)),
    { numRuns: 250 },
  );
});

test('no damage to a valid file makes the reader fail', () => {
  const damage = fc.record({
    at: fc.nat(valid.length),
    cut: fc.nat(12),
    put: fc.oneof(
      fc.constantFrom('', '[', '}', ':', '\n', 'x', '0', '"'),
      fc.string({ maxLength: 5 }),
    ),
  });
  const damages = fc.array(damage, { minLength: 1, maxLength: 3 });
  assert.ok(parseSafely(valid));
  fc.assert(
    fc.property(damages, (list) => {
      let text = valid;
      for (const { at, cut, put } of list) text = text.slice(0, at) + put + text.slice(at + cut);
      parseSafely(text);
    }),
    { numRuns: 80 },
  );
});

test('no data make the checks fail, whatever stands where', () => {
  const junk = fc.oneof(
    fc.constantFrom<unknown>(null, true, -1, 1.5, '', 'x', 'a', [], {}, ['a'], [[]], { a: {} }),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const document = JSON.parse(JSON.stringify(parseConfig(valid, 'm.yaml').input));
  const places: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]) => {
    places.push(path);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      walk(part, [...path, Array.isArray(value) ? Number(key) : key]);
    }
  };
  walk(document, []);
  fc.assert(
    fc.property(fc.constantFrom(...places), junk, (path, value) => {
      const copy = { root: structuredClone(document) };
      let holder: Record<string | number, unknown> = copy;
      const whole = ['root', ...path];
      for (const step of whole.slice(0, -1)) {
        holder = holder[step] as Record<string | number, unknown>;
      }
      holder[whole.at(-1)!] = value;
      parseSafely(JSON.stringify(copy.root));
    }),
    { numRuns: 250 },
  );
});

test('small texts that grow without bound are refused in bounded time', () => {
  const before = process.cpuUsage();
  for (const text of [
    '['.repeat(100_000),
    '{a: '.repeat(20_000),
    `${'- '.repeat(3_000)}x`,
    `a: &a [${'x,'.repeat(2_000)}]\nb: [${'*a,'.repeat(2_500)}]`,
    `a: ${'"'.repeat(100_001)}`,
    `regions: {${'a: {}, '.repeat(5_000)}}`,
  ]) {
    assert.equal(parseSafely(text), false);
  }
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 15_000_000, `${user + system} µs of CPU`);
});

test('ten thousand routes are checked in one pass', () => {
  const routes = Array.from({ length: 10_000 }, (_, index) => ({
    name: `r${index}`,
    hosts: ['api.test', 'www.test'],
    prefix: `/v1/${index === 9_999 ? 7 : index}`,
    service: 's',
  }));
  const input = {
    regions: { a: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: { s: { endpoints: { a: ['b:1'] } } },
    routes,
  };
  assert.throws(() => parseConfig(JSON.stringify(input), 'm.json'), {
    message:
      /^m\.json:1:\d+: routes\[9999\]\.prefix: overlaps routes\[7\] \("r7"\) for api\.test: [^\n]*$/,
  });
});
