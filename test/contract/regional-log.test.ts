import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { MemoryLog } from '../../src/store/memory/memory-log.ts';
import { openStore } from '../../src/store/open.ts';
import type { LogMessage, LogSettings, RegionalLog } from '../../src/store/regional-log.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { bytes, rejects, text } from './contract-values.ts';

const settings: LogSettings = {
  maximumBytes: 1024 * 1024,
  whenFull: 'refuse',
  maximumAgeMs: undefined,
};
const logSettings = { small: { ...settings, maximumBytes: 4096 } };

interface World {
  open(region: string, name: string, settings: LogSettings): RegionalLog;
  close(): Promise<void>;
}

const regions = ['us-east-1', 'eu-west-1'];

contract('in memory', false, async () => {
  const logs = new Map<string, MemoryLog>();
  const find = (region: string, name: string): MemoryLog => {
    const id = `${region}/${name}`;
    const log =
      logs.get(id) ??
      new MemoryLog(name, systemClock, (other) =>
        regions.includes(other) ? find(other, name) : undefined,
      );
    logs.set(id, log);
    return log;
  };
  return {
    open(region, name, wanted) {
      const log = find(region, name);
      log.settings = wanted;
      return log;
    },
    close: async () => {},
  };
});

for (const protection of [{ secret: 'a-secret-of-the-test' }, { tls: true }]) {
  contract(`on leaves, by ${Object.keys(protection)}`, natsServerMissing(), async () => {
    const cluster = await NatsCluster.start({ regions, leaves: regions, ...protection });
    const stores = new Map(
      regions.map((region) => [region, openStore(cluster.storeOptions(region))]),
    );
    return {
      open: (region, name, wanted) => stores.get(region)!.regionalLog(name, wanted),
      async close() {
        await Promise.all([...stores.values()].map((store) => store.close()));
        await cluster.close();
      },
    };
  });
}

/** What `src/store/regional-log.ts` promises. */
function contract(kind: string, skip: string | false, start: () => Promise<World>): void {
  describe(`regional log ${kind}`, { skip }, () => {
    let world: World;
    let log: RegionalLog;
    let far: RegionalLog;
    before(async () => {
      world = await start();
      log = world.open('us-east-1', 'history', settings);
      far = world.open('eu-west-1', 'history', settings);
      await eventually('both', () => log.state().epoch && far.state().epoch, 20_000);
    });
    after(() => world?.close());

    it('keeps the last message of each subject, with its head, in order of appending', async () => {
      const first = await log.append({ subject: 'a.k.x', head: 'one', value: bytes('1') });
      const second = await log.append({ subject: 'b.k.x', head: 'two', value: bytes('2') });
      const third = await log.append({ subject: 'a.k.x', head: 'three', value: new Uint8Array(0) });
      assert.ok(first < second && second < third);
      const last = await log.last('*.k.x');
      assert.deepEqual([last?.subject, last?.head, last?.sequence], ['a.k.x', 'three', third]);
      assert.ok(Math.abs(last!.storedAtMs - Date.now()) < 60_000);
      const each = await log.lastOfEach('*.k.x');
      assert.deepEqual(each.map(told), ['b.k.x two 2', 'a.k.x three ']);
      assert.equal(await log.last('*.k.none'), undefined);
      assert.deepEqual(await log.lastOfEach('*.k.none'), []);
      assert.equal(await far.last('*.k.x'), undefined, 'another region has its own');
    });

    it('appends only where the newest that matches has the expected sequence', async () => {
      const expected = (sequence: number) => ({ pattern: '*.k.cas', sequence });
      const append = (subject: string, sequence: number) =>
        log.append({ subject, head: 'h', value: bytes('v'), expected: expected(sequence) });
      const first = await append('a.k.cas', 0);
      await rejects(append('b.k.cas', 0), 'revision_mismatch');
      const second = await append('b.k.cas', first);
      await rejects(append('a.k.cas', first), 'revision_mismatch');
      const racing = [1, 2, 3].map(() => append('a.k.cas', second));
      const outcomes = await Promise.allSettled(racing);
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    });

    it('is followed from its own and from another region, from any sequence, without gaps', async () => {
      const sequences = [];
      for (const n of [1, 2, 3]) {
        sequences.push(await log.append({ subject: `f.k.${n}`, head: `${n}`, value: bytes('v') }));
      }
      const ending = new AbortController();
      // It throws while there is no way to the other region yet: then it is to be followed again.
      const follow = (by: RegionalLog, after: number, region?: string) => {
        const seen: (string | number)[] = [];
        const once = () =>
          by.follow({
            region,
            pattern: 'f.>',
            after,
            signal: ending.signal,
            onMessage: ({ head }) => seen.push(Number(head)),
            onCaughtUp: () => seen.push('level'),
          });
        const again = async (): Promise<void> => {
          try {
            await once();
          } catch (error) {
            if (seen.includes('level')) throw error;
            seen.length = 0;
            await again();
          }
        };
        return { seen, following: again() };
      };
      const own = follow(log, 0);
      const other = follow(far, 0, 'us-east-1');
      const later = follow(far, sequences[1]!, 'us-east-1');
      const all = () => [own, other, later].every(({ seen }) => seen.includes('level'));
      await eventually('all', all, 60_000);
      await log.append({ subject: 'f.k.4', head: '4', value: bytes('v') });
      await log.append({ subject: 'g.k.5', head: '5', value: bytes('v') });
      await eventually('the next', () => [own, other, later].every(({ seen }) => seen.includes(4)));
      ending.abort();
      await Promise.all([own.following, other.following, later.following]);
      const whole = [1, 2, 3, 'level', 4];
      assert.deepEqual([own.seen, other.seen, later.seen], [whole, whole, [3, 'level', 4]]);
    });

    it('of which another region has none cannot be followed', async () => {
      const lone = world.open('us-east-1', 'lone', settings);
      await eventually('it', () => lone.state().epoch);
      const nowhere = world.open('us-east-1', 'lone', settings).follow({
        region: 'nowhere',
        pattern: '>',
        after: 0,
        signal: AbortSignal.timeout(60_000),
        onMessage: () => assert.fail('a message from nowhere'),
      });
      await assert.rejects(nowhere);
    });

    it('refuses what it has no room for, and keeps what it has', async () => {
      const small = world.open('us-east-1', 'small', logSettings.small);
      await eventually('it', () => small.state().epoch);
      const append = (n: number) =>
        small.append({ subject: `a.k.${n}`, head: 'h', value: new Uint8Array(1500) });
      await append(1);
      await append(2);
      await rejects(append(3), 'store_full');
      assert.deepEqual(
        (await small.lastOfEach('a.k.*')).map(({ subject }) => subject),
        ['a.k.1', 'a.k.2'],
      );
      await eventually('its state', () => small.state().messages === 2);
      assert.ok(small.state().bytes >= 3000);
    });

    it('tells its size as it is when it is asked, also by many at once', async () => {
      const sized = world.open('us-east-1', 'sized', settings);
      await eventually('it', () => sized.state().epoch);
      for (const [n, bytes] of [3000, 10, 2000].entries()) {
        await sized.append({ subject: 'a.k.x', head: 'h', value: new Uint8Array(bytes) });
        await sized.append({ subject: `a.k.${n}`, head: 'h', value: new Uint8Array(1) });
        const askedMs = performance.now();
        await Promise.all([sized.look(), sized.look(), sized.look()]);
        const state = sized.state();
        assert.equal(state.messages, n + 2);
        assert.ok(state.bytes >= bytes && state.bytes < bytes + 1_000, `${state.bytes}`);
        assert.ok(state.askedAtMs >= askedMs && state.askedAtMs <= performance.now());
      }
    });

    it('has bytes of any kind, and heads as they are', async () => {
      const value = Uint8Array.from({ length: 256 }, (_, i) => i);
      await log.append({ subject: 'a.k.bytes', head: '1 a@b put seen= shown', value });
      const last = await log.last('*.k.bytes');
      assert.deepEqual([...last!.value], [...value]);
      assert.equal(last!.head, '1 a@b put seen= shown');
    });
  });
}

function told({ subject, head, value }: LogMessage): string {
  return `${subject} ${head} ${text(value)}`;
}
