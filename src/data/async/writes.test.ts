import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { headText, parseHead, parseVersion } from './head.ts';
import { nextTimestamp, noTime, parseTimestamp, wallMsOf } from './timestamp.ts';
import { allSeen, beats, hadSeen, versionOf, type Write, winner } from './writes.ts';

const wallMs = fc.nat({ max: 2 ** 47 - 2 });
const time = fc
  .tuple(wallMs, fc.nat({ max: 40 }))
  .map(([ms, more]) =>
    Array.from({ length: more }).reduce<string>((at) => nextTimestamp(ms, at), nextTimestamp(ms)),
  );
const region = fc.constantFrom('a', 'ap-southeast-1', 'eu-west-1', 'z');
const seen = fc
  .uniqueArray(fc.tuple(region, time), { selector: ([name]) => name })
  .map((all) => new Map(all));
const write: fc.Arbitrary<Write> = fc.record(
  { region, at: time, seen, deleted: fc.boolean() },
  { noNullPrototype: true },
);

describe('times', () => {
  it('are beyond the wall clock and all that was seen, and as near as they can be', () => {
    fc.assert(
      fc.property(wallMs, time, (now, before) => {
        const next = nextTimestamp(now, before);
        assert.ok(next > before);
        assert.ok(wallMsOf(next) >= now);
        assert.ok(wallMsOf(next) <= Math.max(now, wallMsOf(before) + 1));
        assert.equal(parseTimestamp(next), next);
      }),
    );
  });

  it('order as what they are made of does', () => {
    fc.assert(
      fc.property(wallMs, wallMs, (a, b) => {
        assert.equal(nextTimestamp(a) < nextTimestamp(b), a < b);
      }),
    );
  });

  it('go on over more writes than one millisecond can count, and end', () => {
    const full = `${(5).toString(16).padStart(12, '0')}ffff`;
    assert.equal(nextTimestamp(3, full), '0000000000060000');
    assert.throws(() => nextTimestamp(0, '7fffffffffffffff'), RangeError);
    assert.throws(() => nextTimestamp(2 ** 47), RangeError);
    for (const text of ['', '8000000000000000', 'x', '018F3C2A9B100000', '018f3c2a9b1000000']) {
      assert.equal(parseTimestamp(text), undefined, text);
    }
  });

  it('ten minutes late, a clock still makes times beyond what it has seen', () => {
    const first = nextTimestamp(1_700_000_600_000);
    const second = nextTimestamp(1_700_000_000_000, first);
    assert.ok(second > first);
    assert.ok(second > noTime);
  });
});

describe('the join', () => {
  it('is the same for every order and however often something comes', () => {
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        (writes, random) => {
          const shuffled = [...writes, ...writes].sort(() => (random.next().value % 3) - 1);
          const id = (one: Write | undefined) => one && versionOf(one);
          assert.equal(id(winner(shuffled)), id(winner(writes)));
          const [left, right] = [writes.slice(0, 2), writes.slice(2)].map(winner);
          const parts = [left, right].filter((one) => one !== undefined);
          assert.equal(id(winner(parts)), id(winner(writes)));
          assert.deepEqual([...allSeen(shuffled)].sort(), [...allSeen(writes)].sort());
        },
      ),
    );
  });

  it('orders all writes in one way', () => {
    fc.assert(
      fc.property(write, write, write, (a, b, c) => {
        if (versionOf(a) !== versionOf(b)) assert.notEqual(beats(a, b), beats(b, a));
        else assert.ok(!beats(a, b) && !beats(b, a));
        if (beats(a, b) && beats(b, c)) assert.ok(beats(a, c));
      }),
    );
  });

  it('lets what had seen another beat it, whatever the clocks say', () => {
    fc.assert(
      fc.property(
        fc.array(write, { minLength: 1, maxLength: 4 }),
        wallMs,
        region,
        (writes, now, by) => {
          const known = allSeen(writes);
          const next = [...known.values()].reduce((at, other) => (other > at ? other : at));
          const later: Write = {
            region: by,
            at: nextTimestamp(now, next),
            seen: known,
            deleted: false,
          };
          assert.equal(winner([...writes, later]), later);
          for (const one of writes) assert.ok(hadSeen(later, one));
        },
      ),
    );
  });
});

describe('the head of an entry', () => {
  const head = fc.record(
    {
      write,
      shown: fc.boolean(),
      displaced: fc.option(time, { nil: undefined }),
    },
    { noNullPrototype: true },
  );

  it('is read as it was written', () => {
    fc.assert(fc.property(head, (one) => assert.deepEqual(parseHead(headText(one)), one)));
  });

  it('is refused when it is something else, and never half read', () => {
    const valid = headText({
      write: {
        region: 'a',
        at: nextTimestamp(5),
        seen: new Map([['b', nextTimestamp(4)]]),
        deleted: false,
      },
      shown: true,
      displaced: nextTimestamp(3),
    });
    parseHead(valid);
    fc.assert(
      fc.property(fc.nat(valid.length - 1), fc.string({ maxLength: 3 }), (at, text) => {
        const damaged = valid.slice(0, at) + text + valid.slice(at + 1);
        try {
          assert.equal(headText(parseHead(damaged)), damaged);
        } catch (error) {
          assert.match(String(error), /cannot be read/);
        }
      }),
    );
    for (const text of [
      '',
      '1',
      `${valid} more`,
      valid.replace('1 ', '2 '),
      valid.replace('@b', '@B'),
    ]) {
      assert.throws(() => parseHead(text), /cannot be read/, text);
    }
    assert.equal(parseVersion('0000000000050000@'), undefined);
  });
});
