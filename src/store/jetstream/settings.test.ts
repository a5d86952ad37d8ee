import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { judgeOrigin } from './bucket-health.ts';
import { judgeServers, parseSettings, type ServerSettings } from './settings.ts';
import { changesTo, judgeStream } from './streams.ts';

const server = (changes: Partial<ServerSettings> = {}): ServerSettings => ({
  name: 'hub-a',
  version: '2.14.0',
  syncsAlways: true,
  voters: 3,
  ...changes,
});

describe('settings of the hub', () => {
  it('are read from what a server tells of itself', () => {
    const told = (changes: object = {}) =>
      JSON.stringify({
        server: { name: 'hub-a', ver: '2.14.1-RC.1', cluster: 'meridian-hub' },
        data: {
          start: '2026-01-01T00:00:00Z',
          now: '2026-01-01T00:00:20.123456789Z',
          jetstream: { config: { sync_always: true }, meta: { cluster_size: 5 } },
          ...changes,
        },
      });
    const expected = { name: 'hub-a', version: '2.14.1', syncsAlways: true, voters: 5, counted: 5 };
    assert.deepEqual(parseSettings(told()), expected);
    const forming = parseSettings(told({ now: '2026-01-01T00:00:02Z' }));
    assert.equal(forming.voters, undefined);
    // `sync_always` is left out where it is false, `cluster` where there is none.
    const single = {
      server: { name: 'hub-a', ver: '2.14.1' },
      data: { jetstream: { config: {} } },
    };
    const alone = { ...expected, syncsAlways: false, voters: 1, counted: undefined };
    assert.deepEqual(parseSettings(JSON.stringify(single)), alone);
    const without = parseSettings(JSON.stringify({ ...single, data: {} }));
    assert.equal(without.syncsAlways, undefined);
  });

  it('are changed by a node up to three copies, and not beyond', () => {
    const copies = (has: number, replicas: number) =>
      changesTo(
        { name: 'KV_a', num_replicas: has } as Parameters<typeof changesTo>[0],
        { replicas },
        replicas,
      )?.num_replicas;
    assert.deepEqual([copies(1, 3), copies(1, 5), copies(2, 5)], [3, 3, 3]);
    assert.deepEqual(
      [copies(3, 5), copies(4, 5), copies(5, 3), copies(1, 1)],
      Array(4).fill(undefined),
    );
  });

  it('that are no such thing are an error, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.throws(() => parseSettings(text), Error);
      }),
    );
  });

  it('are judged: version, JetStream, fsync, voters', () => {
    const hub = [server(), server({ name: 'hub-b' })];
    assert.equal(judgeServers('2.14.0', hub, 3), undefined);
    assert.equal(judgeServers('2.15.0-dev', [], 3), undefined);
    assert.match(judgeServers('2.9.10', hub, 3)!, /2\.9\.10.*2\.14\.0/);
    assert.match(judgeServers('nonsense', hub, 3)!, /nonsense/);
    const bad = (changes: Partial<ServerSettings>, replicas = 3) =>
      judgeServers('2.14.0', [server(), server({ name: 'hub-b', ...changes })], replicas) ?? '';
    assert.match(bad({ version: '2.12.1' }), /hub-b is nats-server 2\.12\.1/);
    assert.match(bad({ syncsAlways: false }), /hub-b .*sync_interval: always/);
    assert.match(bad({ syncsAlways: undefined }), /hub-b .*JetStream/);
    const three = ['hub-a', 'hub-b', 'hub-c'].map((name) => server({ name }));
    const takenOut = server({ name: 'hub-d', syncsAlways: undefined, voters: undefined });
    assert.equal(judgeServers('2.14.0', [takenOut, ...three], 3), undefined);
    assert.match(judgeServers('2.14.0', [takenOut, ...three.slice(1)], 3)!, /hub-d .*JetStream/);
    assert.match(judgeServers('2.14.0', [takenOut], 3)!, /hub-d .*JetStream/);
    assert.match(judgeServers('2.14.0', [server({ voters: 1 })], 3)!, /1 of the 3/);
    assert.equal(judgeServers('2.14.0', hub, 5), undefined);
    assert.equal(judgeServers('2.14.0', [server({ voters: undefined })], 3), undefined);
  });
});

describe('a stream', () => {
  const config = { storage: 'file', compression: 'none', num_replicas: 3 };

  it('is not written to when it is compressed, in memory, or has too few copies', () => {
    assert.equal(judgeStream('b', config, 3), undefined);
    assert.equal(judgeStream('b', config, 5), undefined);
    assert.match(judgeStream('b', { ...config, compression: 's2' }, 3)!, /compressed \(s2\)/);
    assert.match(judgeStream('b', { ...config, storage: 'memory' }, 3)!, /memory/);
    assert.match(judgeStream('b', { ...config, num_replicas: 1 }, 3)!, /1 of the 3/);
  });

  it('has a quorum while a majority of its copies is level and heard from', () => {
    const follower = { current: true, silentForMs: 500 };
    const report = (...followers: (typeof follower)[]) => ({
      epoch: 'e',
      leader: 'hub-a',
      replicas: 3,
      bytes: 0,
      followers,
    });
    const judged = judgeOrigin(report(follower, { ...follower, silentForMs: 60_000 }), 0);
    assert.deepEqual(judged, { leader: 'hub-a', replicas: 3, current: 2, quorum: true });
    const alone = judgeOrigin(report({ ...follower, current: false }), 0);
    assert.deepEqual([alone.current, alone.quorum], [1, false]);
    const none = { leader: undefined, replicas: 3, current: 0, quorum: false };
    assert.deepEqual(judgeOrigin({ ...report(follower, follower), leader: undefined }, 0), none);
    assert.deepEqual(judgeOrigin(undefined, 3), none);
  });
});
