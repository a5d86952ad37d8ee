import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Verdict } from './hysteresis.ts';
import { decideByQuorum, decideByRegion, type Evidence, type RegionEvidence } from './quorum.ts';
import type { StateName } from './table.ts';

interface Row {
  readonly what: string;
  readonly n: number;
  readonly up?: string;
  readonly down?: string;
  readonly own?: Verdict;
  readonly current?: StateName;
  readonly restoredAgeMs?: number;
  readonly gives: string;
}

const list = (names: string | undefined) => (names ? names.split(' ') : []);

// The decision table of decideByQuorum, row by row.
const rows: Row[] = [
  {
    what: 'three regions: both others say down',
    n: 2,
    down: 'a b',
    own: 'up',
    current: 'healthy',
    gives: 'unhealthy: 2 of 2 vantages heard say down: a, b',
  },
  {
    what: 'three regions: both others say up, own probe does not count',
    n: 2,
    up: 'a b',
    own: 'down',
    current: 'unhealthy',
    gives: 'healthy: 2 of 2 vantages heard say up: a, b',
  },
  {
    what: 'three regions: a tie holds healthy',
    n: 2,
    up: 'a',
    down: 'b',
    own: 'down',
    current: 'healthy',
    gives: 'healthy: tie: b say down, a say up; last state held',
  },
  {
    what: 'three regions: a tie holds unhealthy',
    n: 2,
    up: 'a',
    down: 'b',
    own: 'up',
    current: 'unhealthy',
    gives: 'unhealthy: tie: b say down, a say up; last state held',
  },
  {
    what: 'a tie on the first boot',
    n: 2,
    up: 'a',
    down: 'b',
    own: 'up',
    gives: 'unknown: tie: b say down, a say up; nothing known yet',
  },
  {
    what: 'three regions: only I am heard, I say down',
    n: 2,
    down: 'a',
    own: 'down',
    current: 'healthy',
    gives: 'unhealthy: 1 of 2 vantages heard: own probes say down',
  },
  {
    what: 'three regions: alone, about myself',
    n: 2,
    own: 'up',
    current: 'unhealthy',
    gives: 'healthy: 0 of 2 vantages heard: own probes say up',
  },
  {
    what: 'one other is heard, own probes have no word',
    n: 2,
    down: 'b',
    current: 'healthy',
    gives: 'healthy: 1 of 2 vantages heard, own probes inconclusive; last state held',
  },
  {
    what: 'two regions: the word of the other decides',
    n: 1,
    down: 'b',
    own: 'up',
    current: 'healthy',
    gives: 'unhealthy: 1 of 1 vantages heard say down: b',
  },
  {
    what: 'two regions, cut: I serve myself',
    n: 1,
    own: 'up',
    current: 'unhealthy',
    gives: 'healthy: 0 of 1 vantages heard: own probes say up',
  },
  {
    what: 'five regions: half of n is not enough',
    n: 4,
    down: 'b c',
    own: 'up',
    current: 'healthy',
    gives: 'healthy: 2 of 4 vantages heard: own probes say up',
  },
  {
    what: 'five regions: three fresh, two of them decide',
    n: 4,
    down: 'b c',
    up: 'a',
    own: 'up',
    current: 'healthy',
    gives: 'unhealthy: 2 of 3 vantages heard say down: b, c',
  },
  {
    what: 'many vantages are not all named',
    n: 6,
    up: 'a b c d e f',
    gives: 'healthy: 6 of 6 vantages heard say up: a, b, c, d and 2 more',
  },
  {
    what: 'no history and no evidence: the first boot',
    n: 2,
    gives: 'unknown: 0 of 2 vantages heard, own probes inconclusive; nothing known yet',
  },
  {
    what: 'restart: the last state from disk with its age',
    n: 2,
    current: 'unhealthy',
    restoredAgeMs: 90_400,
    gives: 'unhealthy: 0 of 2 vantages heard, own probes inconclusive; state from disk, 90s old',
  },
  {
    what: 'restart: evidence replaces it',
    n: 2,
    up: 'a b',
    current: 'unhealthy',
    restoredAgeMs: 90_400,
    gives: 'healthy: 2 of 2 vantages heard say up: a, b',
  },
];

for (const row of rows) {
  test(`quorum: ${row.what}`, () => {
    const { state, reason } = decideByQuorum({
      configured: row.n,
      up: list(row.up),
      down: list(row.down),
      own: row.own,
      current: row.current ?? 'unknown',
      restoredAgeMs: row.restoredAgeMs,
    });
    assert.equal(`${state}: ${reason}`, row.gives);
  });
}

const evidence = fc
  .record({
    words: fc.array(fc.constantFrom<Verdict | undefined>('up', 'down', undefined), {
      minLength: 1,
      maxLength: 9,
    }),
    own: fc.constantFrom<Verdict | undefined>('up', 'down', undefined),
    current: fc.constantFrom<StateName>('unknown', 'healthy', 'unhealthy'),
  })
  .map(({ words, own, current }): Evidence => {
    const saying = (word: Verdict) => words.flatMap((w, i) => (w === word ? [`v${i}`] : []));
    return {
      configured: words.length,
      up: saying('up'),
      down: saying('down'),
      own,
      current,
      restoredAgeMs: undefined,
    };
  });

test('quorum: up and down are treated alike', () => {
  const mirrored = { up: 'down', down: 'up' } as const;
  const mirroredState = { unknown: 'unknown', healthy: 'unhealthy', unhealthy: 'healthy' } as const;
  fc.assert(
    fc.property(evidence, (e) => {
      const other = decideByQuorum({
        ...e,
        up: e.down,
        down: e.up,
        own: e.own && mirrored[e.own],
        current: mirroredState[e.current],
      });
      return other.state === mirroredState[decideByQuorum(e).state];
    }),
  );
});

test('quorum: with all heard and agreeing, one vantage that turns or falls silent changes nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 9 }), fc.boolean(), (n, turns) => {
      const all = Array.from({ length: n }, (_, i) => `v${i}`);
      const base = { configured: n, own: 'up' as const, restoredAgeMs: undefined };
      const before = decideByQuorum({ ...base, up: all, down: [], current: 'unknown' });
      assert.equal(before.state, 'healthy');
      const after = decideByQuorum({
        ...base,
        up: all.slice(1),
        down: turns ? all.slice(0, 1) : [],
        current: before.state,
      });
      return after.state === 'healthy';
    }),
  );
});

test('quorum: with nothing decided the state stays', () => {
  fc.assert(
    fc.property(evidence, (e) => {
      const { state, decided } = decideByQuorum(e);
      return decided || state === e.current;
    }),
  );
});

const silence: RegionEvidence = {
  region: 'a',
  word: undefined,
  said: 'healthy',
  current: 'healthy',
  restoredAgeMs: undefined,
  silentMs: 20_000,
  silenceLimitMs: 5_000,
  gateway: 'unhealthy',
};

test('a region decides about its own services: its word, or the last one', () => {
  assert.deepEqual(decideByRegion({ ...silence, word: 'down' }), {
    state: 'unhealthy',
    decided: true,
    reason: 'a says down',
  });
  assert.deepEqual(decideByRegion({ ...silence, silentMs: 0 }), {
    state: 'healthy',
    decided: false,
    reason: 'no word from a; last state held',
  });
  assert.equal(
    decideByRegion({ ...silence, silentMs: 0, restoredAgeMs: 3_000 }).reason,
    'no word from a; state from disk, 3s old',
  );
});

test('a silent region is taken at its last word while its gateway answers, not after', () => {
  assert.deepEqual(decideByRegion(silence), {
    state: 'unknown',
    decided: false,
    reason: 'a not heard for 20s; said healthy before',
  });
  assert.equal(decideByRegion({ ...silence, silentMs: 4_999 }).state, 'healthy');
  for (const gateway of ['healthy', 'unknown'] as const) {
    for (const said of ['healthy', 'unhealthy'] as const) {
      for (const current of [said, 'unknown'] as const) {
        assert.equal(decideByRegion({ ...silence, gateway, said, current }).state, said);
      }
    }
  }
  // Heard again, but not yet about this service.
  assert.deepEqual(decideByRegion({ ...silence, silentMs: 100, current: 'unknown' }), {
    state: 'unknown',
    decided: false,
    reason: 'no word from a yet; said healthy before',
  });
  const nothing = { ...silence, said: 'unknown', current: 'unknown' } as const;
  assert.equal(decideByRegion(nothing).reason, 'no word from a; nothing known yet');
});
