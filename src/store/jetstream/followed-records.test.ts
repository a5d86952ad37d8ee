import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { FollowedRecords, isSameCopy, judgePosition } from './followed-records.ts';
import type { Source } from './freshness.ts';
import type { Link } from './link.ts';
import { Paging } from './paging.ts';

const extent = { lastRevision: 50, lastWrittenAtMs: 9_000, epoch: 'e' };
const position = { epoch: 'e', revision: 40, writtenAtMs: 8_000 };
const forEver = { nowMs: 1e9, maximumAgeMs: undefined };
const aMinute = (nowMs: number) => ({ nowMs, maximumAgeMs: 60_000 });

it('goes on from any position of this life of the bucket where nothing is ever dropped', () => {
  assert.equal(judgePosition(position, extent, forEver), undefined);
  assert.equal(judgePosition({ ...position, revision: 50 }, extent, forEver), undefined);
  assert.equal(judgePosition({ ...position, epoch: 'f' }, extent, forEver), 'other');
  assert.equal(judgePosition({ ...position, revision: 51 }, extent, forEver), 'ahead');
});

it('does not where something may have been dropped that was not told', () => {
  assert.equal(judgePosition(position, extent, aMinute(68_000)), undefined);
  assert.equal(judgePosition(position, extent, aMinute(68_001)), 'aged');
  const atTheEnd = { ...position, revision: 50 };
  assert.equal(judgePosition(atTheEnd, extent, aMinute(1e9)), undefined, 'nothing came since');
  assert.equal(judgePosition({ ...position, revision: 0 }, extent, aMinute(1e9)), undefined);
});

for (const [source, expected] of [
  ['mirror', 9],
  ['hub', 5],
] as const) {
  it(`at the ${source}, whose end was told to be 9, and which had nothing after 5, is then at ${expected}`, async (t) => {
    const { queue } = followFrom(5, source);
    t.after(() => queue.close());
    const { value } = await queue[Symbol.asyncIterator]().next();
    assert.deepEqual([value?.type, value?.position.revision], ['caughtUp', expected]);
  });
}

/** In the hub, the leader says where the end is, and any voter delivers: one that is behind. */
function followFrom(revision: number, source: Source): FollowedRecords {
  type Callback = (error: null, message: object) => void;
  let tell: Callback = () => undefined;
  const connection = {
    subscribe: (_: string, { callback }: { callback: Callback }) => {
      tell = callback;
      return { unsubscribe() {}, closed: new Promise(() => undefined) };
    },
    closed: () => new Promise(() => undefined),
    isClosed: () => false,
    publish: () => tell(null, { headers: { code: 404 } }), // a page of nothing
    request: async (subject: string) => ({
      json: () =>
        subject.includes('.STREAM.INFO.')
          ? { config: {}, state: { last_seq: 9, last_ts: '' } }
          : { num_pending: 0 },
    }),
  } as unknown as NatsConnection;
  return new FollowedRecords({
    bucket: 'b',
    prefix: '',
    after: { epoch: '', revision, writtenAtMs: 0 },
    link: {
      closing: new AbortController().signal,
      connection: { current: connection, inboxPrefix: '_INBOX.a' },
      paging: { [source]: new Paging({ atOnce: 1, bytes: 1 }) },
    } as unknown as Link,
    maximumAgeMs: () => undefined,
    source: () => source,
    end: async () => 9,
    onRecord() {},
    onClose() {},
  });
}

it('goes on in the copy that it began with, as far as that has told', () => {
  const copy = { epoch: 'a', madeAt: 'monday', lastRevision: 9, lastWrittenAtMs: 0 };
  assert.ok(isSameCopy(copy, { ...copy, lastRevision: 12 }, 12));
  assert.ok(!isSameCopy(copy, undefined, 0), 'it is gone');
  assert.ok(!isSameCopy(copy, { ...copy, epoch: 'b' }, 9), 'another life');
  assert.ok(!isSameCopy(copy, { ...copy, madeAt: 'tuesday' }, 9), 'made anew');
  assert.ok(!isSameCopy(copy, copy, 10), 'behind what it told');
  assert.ok(!isSameCopy(copy, { ...copy, lastRevision: 8 }, 5), 'set back');
});
