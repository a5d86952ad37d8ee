import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acknowledgementOf, headOf, infoOf, rolloutOf } from '../../test/support/revisions.ts';
import { isRevisionError, type RevisionErrorCode } from './errors.ts';
import { boundedAcknowledgement, parseAcknowledgement, parseHead, parseInfo } from './parse.ts';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value));
const baseline = { 'east.n1': { requests: 5, failed: 1, startedAt: '2026-01-02T03:04:05.678Z' } };
const head = headOf(rolloutOf({ baseline }));
const refused = { sequence: 2, hash: 'a'.repeat(64), code: 'x', reason: 'no\nluck' };
const localFile = { path: '/m.yaml', hash: 'b'.repeat(64) };
const acknowledgement = acknowledgementOf('east', 1, {
  refused,
  localFile,
  pendingRestart: ['ports'],
});

test('heads, revisions and acknowledgements come out of JSON as they went in', () => {
  assert.deepEqual(parseHead(encode(head)), head);
  assert.deepEqual(parseHead(encode(headOf())), headOf());
  const info = { ...infoOf(3), kind: 'seed', seed: 'up-1', restores: 2, change: 'c'.repeat(24) };
  assert.deepEqual(parseInfo(encode(info), 'it'), info);
  assert.deepEqual(parseAcknowledgement(encode(acknowledgement)), acknowledgement);
});

test('fields of a newer version are left aside', () => {
  const newer = { ...head, current: { ...head.current, hint: 1 }, hint: { deep: [] } };
  assert.deepEqual(parseHead(encode(newer)), head);
});

/** What is set where, and where the message sees it; `undefined` removes. */
const wrong: Record<string, [path: string, value: unknown, told?: string]> = {
  'another version': ['version', 2],
  'no current revision': ['current', undefined],
  'a sequence of 0': ['current.sequence', 0],
  'a hash in capitals': ['current.hash', 'A'.repeat(64)],
  'an author of two lines': ['current.author', 'a\nb'],
  'a message that turns around': ['current.message', '\u202eb'],
  'half a character': ['current.message', '\ud800'],
  'more parts than bytes': ['current.content.parts', 2],
  'a content beyond the limit': ['current.content.bytes', 2 ** 40],
  'a nonce that is another key': ['current.content.nonce', 'a.b'],
  'a previous that is newer': ['previous.sequence', 2],
  'a rollout from nothing': ['previous', undefined],
  'waves of numbers': ['rollout.waves', [[1]]],
  'a wave of none': ['rollout.waves', [[]]],
  'more waves reached than there are': ['rollout.reached', 3],
  'a bound above 1': ['rollout.bounds.errorShare', 2],
  'a state unheard of': ['rollout.state', 'paused'],
  'a baseline of text': ['rollout.baseline.x', 'y', 'rollout.baseline'],
};

for (const [what, [path, value, told = path]] of Object.entries(wrong)) {
  test(`a head is refused: ${what}`, () => {
    const copy = JSON.parse(JSON.stringify(head));
    const steps = path.split('.');
    const last = steps.pop()!;
    steps.reduce((at, step) => at[step], copy)[last] = value;
    const message = `what the store holds of the head of the configuration cannot be read: ${told}`;
    assert.throws(() => parseHead(encode(copy)), { code: 'revision_damaged', message });
  });
}

test('any damage is a typed error, never another, and never accepted half', () => {
  const only = (code: RevisionErrorCode, parse: (bytes: Uint8Array) => unknown) => {
    return (bytes: Uint8Array) => {
      try {
        parse(bytes);
      } catch (error) {
        assert.ok(isRevisionError(error, code), String(error));
      }
    };
  };
  const parsers = [
    only('revision_damaged', parseHead),
    only('revision_damaged', (bytes) => parseInfo(bytes, 'it')),
    only('report_invalid', parseAcknowledgement),
  ];
  const value = fc.oneof(
    fc.jsonValue(),
    fc.object({ key: fc.constantFrom(...Object.keys(head), ...Object.keys(acknowledgement)) }),
    fc.record({ current: fc.jsonValue(), version: fc.constant(1), rollout: fc.jsonValue() }),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    value.map((json) => new Uint8Array(encode(json))),
  );
  fc.assert(
    fc.property(bytes, (damaged) => {
      for (const parse of parsers) parse(damaged);
    }),
  );
  assert.throws(() => parseHead(Uint8Array.of(0xff, 0xfe)), { message: /: not JSON$/ });
});

test('what a node tells at too great length is cut, and can be read by others', () => {
  const long = {
    ...acknowledgement,
    refused: { ...refused, reason: '🌍'.repeat(5_000) },
    pendingRestart: Array(200).fill(`two\nlines${'x'.repeat(9_000)}🌍`),
  };
  const read = parseAcknowledgement(encode(boundedAcknowledgement(long)));
  assert.equal(read.refused?.reason.length, 4_000);
  assert.equal(read.pendingRestart.length, 100);
  assert.match(read.pendingRestart[0]!, /^two linesx/);
});
