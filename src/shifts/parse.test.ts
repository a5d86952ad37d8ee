import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashOf, startShift } from './change.ts';
import { isShiftError } from './errors.ts';
import { parseEvent, parseShifts } from './parse.ts';
import { parseShiftReport } from './reports.ts';
import type { ShiftDocument } from './shift.ts';
import { configOf, countOf, planOf } from './testdata/deployment.ts';

const author = { by: 'ana', message: 'why', nowMs: Date.UTC(2026, 0, 1), change: 'ab'.repeat(12) };
const startedAt = '2026-01-01T00:00:00.000Z';
const sides = { target: countOf(5, 1), rest: countOf(9) };
const made = startShift(undefined, planOf(), configOf(), author);
const document: ShiftDocument = {
  ...made,
  shifts: [
    { ...made.shifts[0]!, step: 2, baseline: { 'eu.eu': { ...sides, startedAt } }, before: sides },
    startShift(
      undefined,
      planOf({
        subject: { kind: 'record', name: '*.api.example.com', type: 'A' },
        to: 'eu',
        guard: undefined,
      }),
      configOf(0, {
        zones: {
          'example.com': {
            ttl: '0s',
            records: [
              {
                name: '*.api',
                type: 'A',
                routing: 'weighted',
                answers: [{ region: 'eu', weight: 0 }, { region: 'us' }],
              },
            ],
          },
        },
      }),
      { ...author, change: 'cd'.repeat(12) },
    ).shifts[0]!,
  ],
};
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

test('what is written is read back the same, and its hash too', () => {
  const read = parseShifts(bytesOf(document));
  assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(document)));
  assert.equal(hashOf(parseEvent(bytesOf(document.event))), hashOf(document.event));
  assert.equal(hashOf(read.event), hashOf(document.event));
});

test('property: of a mutated document nothing but a typed error comes, or a document', () => {
  const text = JSON.stringify(document);
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('', '0', '"', '-1', '{', 'null', '1e9', '}'),
      (at, put) => {
        try {
          const read = parseShifts(Buffer.from(text.slice(0, at) + put + text.slice(at + 1)));
          for (const { step, steps, from } of read.shifts) {
            assert.ok(step <= steps.length && from >= 0 && from <= 100);
            assert.ok(steps.every((share) => share >= 0 && share <= 100));
          }
        } catch (error) {
          assert.ok(isShiftError(error, 'shift_damaged'), String(error));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('each field is looked at', () => {
  const [shift] = document.shifts;
  const wrong: [string, object][] = [
    ['version', { version: 2 }],
    ['sequence', { sequence: 0 }],
    ['shifts', { shifts: Array.from({ length: 101 }, () => shift) }],
    ['an id stands there twice', { shifts: [shift, shift] }],
    ...Object.entries({
      id: 'x',
      to: 'a\u0000b',
      steps: [1, 101],
      step: 6,
      from: -1,
      state: 'gone',
      everyMs: -1,
      startAt: '2026-13-01T00:00:00.000Z',
      createdAt: 'now',
      basis: '',
      baseline: { '../x': {} },
      turn: 0,
      subject: { kind: 'route', route: 'A B' },
      guard: { errorShare: 2 },
    }).map(([field, value]): [string, object] => [
      field === 'subject' ? 'route' : field === 'guard' ? 'errorShare' : field,
      { shifts: [{ ...shift, [field]: value }] },
    ]),
  ];
  for (const [field, change] of wrong) {
    assert.throws(() => parseShifts(bytesOf({ ...document, ...change })), {
      code: 'shift_damaged',
      message: new RegExp(`cannot be read: .*${field}`),
    });
  }
});

test('a report with counts that cannot be read is none', () => {
  const report = {
    region: 'eu',
    node: 'eu',
    ready: true,
    revision: { sequence: 1, hash: 'ab'.repeat(32) },
    traffic: { requests: 0, failed: 0, startedAt },
    reportedAt: startedAt,
  };
  const read = (shiftCounts?: object) =>
    parseShiftReport(bytesOf({ ...report, shiftCounts }), 1).shifts;
  assert.deepEqual(read(), {});
  assert.deepEqual(read({ abababab: { ...sides, startedAt } }), {
    abababab: { ...sides, startedAt },
  });
  for (const bad of [
    { a: 1 },
    { a: { ...sides } },
    { a: { target: { requests: -1 }, rest: {}, startedAt } },
  ]) {
    assert.throws(() => read(bad), { code: 'report_invalid' });
  }
});
