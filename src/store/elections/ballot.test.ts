import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeVoteRequest, formatIsKnown, Vigil } from './ballot.ts';
import { type GroupReport, parseDuration, parseRaftReport } from './raft-report.ts';

const follower = (server: string, changes: Partial<GroupReport> = {}): GroupReport => ({
  group: 'g',
  server,
  state: 'FOLLOWER',
  term: 7n,
  lastIndex: 3,
  quorum: 2,
  leader: 'hub-a',
  leaderSilentMs: 2_000,
  ...changes,
});
const reports = (...members: GroupReport[]) =>
  members.map((member) => ({ server: member.server, version: '2.14.0', groups: [member] }));
const orphans = reports(follower('hub-b'), follower('hub-c'));
/** What is due when the same is seen again after so long. */
const dueAfter = (seen: typeof orphans, ms = 5_000) => {
  const vigil = new Vigil();
  assert.deepEqual(vigil.observe(seen, 0), [], 'nothing is due at first sight');
  return vigil.observe(seen, ms);
};

describe('a group is due', () => {
  it('when a majority waits for a leader that is silent, for a second', () => {
    assert.deepEqual(dueAfter(orphans), [{ group: 'g', term: 7n }]);
    assert.deepEqual(dueAfter(orphans, 900), []);
  });

  it('when an election came to nothing, or was never held', () => {
    const candidate = follower('hub-b', { state: 'CANDIDATE', leader: undefined, term: 8n });
    assert.deepEqual(dueAfter(reports(candidate, follower('hub-c', { term: 8n }))), [
      { group: 'g', term: 8n },
    ]);
    const leaderless = { leader: undefined, leaderSilentMs: undefined };
    assert.equal(dueAfter(reports(follower('b', leaderless), follower('c', leaderless))).length, 1);
  });

  it('not while one leads, follows one that is there, or heard from one lately', () => {
    for (const other of [
      follower('hub-c', { state: 'LEADER', leader: 'hub-c' }),
      follower('hub-c', { leader: 'hub-d', leaderSilentMs: 100 }),
      follower('hub-c', { leaderSilentMs: 1_000 }),
      follower('hub-c', { state: 'OBSERVER' }),
    ]) {
      assert.deepEqual(dueAfter(reports(follower('hub-b'), other)), []);
    }
    const leader = follower('hub-a', { state: 'LEADER', leaderSilentMs: undefined });
    assert.deepEqual(dueAfter(reports(leader, follower('hub-b'), follower('hub-c'))), []);
  });

  it('when a leader stepped down that another still believes in', () => {
    const steppedDown = follower('hub-a', { leader: undefined, leaderSilentMs: undefined });
    assert.equal(dueAfter(reports(steppedDown, follower('hub-b'))).length, 1);
  });

  it('not without a majority, nor where somebody has an empty log', () => {
    assert.deepEqual(dueAfter(reports(follower('hub-b'))), []);
    assert.deepEqual(dueAfter(reports(...['b', 'c'].map((s) => follower(s, { quorum: 3 })))), []);
    const empty = follower('hub-c', { lastIndex: 0 });
    assert.deepEqual(dueAfter(reports(follower('hub-b'), empty)), []);
  });

  it('not in a term that just began: that election is given its time', () => {
    const vigil = new Vigil();
    vigil.observe(orphans, 0);
    const next = reports(follower('hub-b', { term: 8n }), follower('hub-c'));
    assert.deepEqual(vigil.observe(next, 2_000), []);
    assert.deepEqual(vigil.observe(next, 2_900), []);
    assert.deepEqual(vigil.observe(next, 3_000), [{ group: 'g', term: 8n }]);
    vigil.rest();
    assert.deepEqual(vigil.observe(next, 9_000), []);
  });

  it('not by servers of another version', () => {
    const strangers = orphans.map((report) => ({ ...report, version: '2.15.0' }));
    assert.deepEqual(dueAfter(strangers), []);
    assert.deepEqual(
      ['2.14.0', '2.14.12', '2.15.0', '2.14.0-RC.1', '12.14.0'].filter(formatIsKnown),
      ['2.14.0', '2.14.12'],
    );
  });
});

it('a request for votes is 32 bytes, and claims no entry', () => {
  const bytes = Buffer.from(encodeVoteRequest(0x0102030405060708n));
  assert.equal(bytes.toString('hex'), `0807060504030201${'00'.repeat(16)}6d6572696469616e`);
});

it('reads what a server says of its groups, terms of 64 bits too', () => {
  const told = `{"server":{"name":"hub-b","ver":"2.14.0"},"data":{"MERIDIAN":{
    "S-1":{"id":"bb","state":"FOLLOWER","quorum_needed":2,"leader":"aa","term":18446744073709551615,
      "pindex":9,"peers":{"aa":{"name":"hub-a","last_seen":"1m2.5s"},"cc":{"name":"hub-c"}}},
    "S-2":{"id":"bb","state":"LEADER","quorum_needed":2,"leader":"bb","term":1,"pindex":1,"peers":{}},
    "S-3":{"state":17}}}}`.replace(/\s/g, '');
  const { server, version, groups } = parseRaftReport(told);
  assert.deepEqual([server, version, groups.length], ['hub-b', '2.14.0', 2]);
  assert.deepEqual(groups[0], {
    ...follower('hub-b', { group: 'S-1', term: 2n ** 64n - 1n, lastIndex: 9 }),
    leaderSilentMs: 62_500,
  });
  assert.equal(groups[1]?.leader, 'hub-b');
});

it('takes nothing else for such a report', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      assert.throws(() => parseRaftReport(text), Error);
    }),
  );
  assert.equal(parseDuration('7.5ms'), 7.5);
  for (const text of ['', '5', 's', '-1s', '1s junk', 5, undefined]) {
    assert.equal(parseDuration(text), undefined);
  }
});
