import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isLatencyFrame,
  type LatencyFrame,
  latencyFrameToJson,
  mostNetworks,
  parseLatencyFrame,
} from './latency-frame.ts';

const nowMs = 1_000_000;
const frame: LatencyFrame = {
  region: 'eu-west-1',
  node: 'a',
  ipv4Prefix: 24,
  ipv6Prefix: 48,
  networks: [
    [
      '14000100',
      new Map([
        ['eu', { medianMs: 23.5, spreadMs: 2.1, reports: 7.5, atMs: nowMs - 340_000 }],
        ['us', { medianMs: 90, spreadMs: 0, reports: 7, atMs: nowMs }],
      ]),
    ],
    ['20010db800010000', new Map([['us', { medianMs: 9, spreadMs: 1, reports: 1, atMs: nowMs }]])],
  ],
};
const travelled = (of: LatencyFrame) => JSON.parse(JSON.stringify(latencyFrameToJson(of, nowMs)));

test('a frame arrives as it was sent; times are ages', () => {
  assert.deepEqual(parseLatencyFrame(travelled(frame), nowMs), frame);
  const [, estimates] = parseLatencyFrame(travelled(frame), 5_000_000).networks[0] ?? assert.fail();
  assert.equal(estimates.get('eu')?.atMs, 5_000_000 - 340_000);
  assert.ok(isLatencyFrame(Buffer.from(JSON.stringify(latencyFrameToJson(frame, nowMs)))));
  assert.ok(!isLatencyFrame(Buffer.from('{"kind":"verdicts",')));
});

test('what breaks the form is refused, and says where', () => {
  const broken: [change: object, where: string][] = [
    [{ kind: 'verdicts' }, 'kind'],
    [{ version: 2 }, 'version'],
    [{ region: 'EU' }, 'region'],
    [{ node: 'a\nb' }, 'node'],
    [{ bits: [0, 48] }, 'bits'],
    [{ bits: [24, 65] }, 'bits'],
    [{ bits: [16, 48] }, 'a network'],
    [{ names: ['eu', '..'] }, 'a name'],
    [{ networks: {} }, 'networks'],
    [{ networks: [['14000101']] }, 'a network'],
    [{ networks: [['1400010']] }, 'a network'],
    [{ networks: [['14000100', [2, 1, 1, 1, 0]]] }, 'a place'],
    [{ networks: [['14000100', [0, -1, 1, 1, 0]]] }, 'a median'],
    [{ networks: [['14000100', [0, 1, null, 1, 0]]] }, 'a spread'],
    [{ networks: [['14000100', [0, 1, 1, 1e9, 0]]] }, 'reports'],
    [{ networks: [['14000100', [0, 1, 1, 1, -5]]] }, 'an age'],
    [{ networks: Array.from({ length: mostNetworks + 1 }, () => ['14000100']) }, 'networks'],
  ];
  for (const [change, where] of broken) {
    assert.throws(
      () => parseLatencyFrame({ ...travelled(frame), ...change }, nowMs),
      (error: Error) => error instanceof TypeError && error.message.includes(where),
      JSON.stringify(change),
    );
  }
});

test('property: any JSON is read or refused, and what is read can travel on', () => {
  const anyEstimate = fc.tuple(fc.nat(3), fc.double(), fc.double(), fc.double(), fc.integer());
  const anyFrame = fc.record({
    kind: fc.constant('latency'),
    version: fc.constant(1),
    region: fc.constantFrom('eu', 'us'),
    node: fc.constantFrom('a', 'b'),
    bits: fc.constantFrom([24, 48], [8, 32]),
    names: fc.constantFrom(['eu', 'us'], []),
    networks: fc.array(fc.array(fc.oneof(fc.constantFrom('14000000', '14000100'), anyEstimate))),
  });
  fc.assert(
    fc.property(fc.oneof(anyFrame, fc.jsonValue()), (value) => {
      try {
        const read = parseLatencyFrame(value, nowMs);
        assert.equal(
          parseLatencyFrame(travelled(read), nowMs).networks.length,
          read.networks.length,
        );
      } catch (error) {
        assert.ok(error instanceof TypeError && error.message.startsWith('not a latency frame'));
      }
    }),
    { numRuns: 2_000 },
  );
});
