import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangeEvent, changeHub } from './change.ts';
import type { Hub } from './hub.ts';
import { type Goal, nextStep, type Step } from './next-step.ts';
import { after } from './plan.ts';

const whole = (server: string) => ({ server, online: true, current: true });
const servers = ['hub-eu', 'hub-us', 'hub-ap'];
const three: Hub = {
  clustered: true,
  leader: 'hub-eu',
  members: servers.map(whole),
  streams: [
    {
      name: 'KV_config',
      replicas: 3,
      leader: 'hub-eu',
      copies: servers.map((server) => ({ ...whole(server), lag: 0 })),
    },
  ],
};
const five: Goal = { voters: ['eu', 'us', 'ap', 'sa', 'af'], add: true, remove: false };

/** A hub on which a step takes effect `slowMs` after it was asked for. */
class FakeHub {
  hub = three;
  nowMs = 0;
  readonly asked: Step[] = [];
  readonly events: ChangeEvent[] = [];
  readonly stop = new AbortController();
  slowMs = 3_000;
  /** What a look gives instead, now and then. */
  glitch: (nowMs: number) => Hub | undefined = () => undefined;
  refuse: ((step: Step) => Error | undefined) | undefined;
  #due: { readonly atMs: number; readonly step: Step }[] = [];

  change(): Promise<void> {
    return changeHub({
      look: async () => this.#look(),
      next: (hub) => nextStep(hub, five),
      do: async (step) => {
        this.asked.push(step);
        const error = this.refuse?.(step);
        if (error) throw error;
        this.#due.push({ atMs: this.nowMs + this.slowMs, step });
      },
      onEvent: (event) => void this.events.push(event),
      clock: { monotonicMs: () => this.nowMs },
      sleep: async (ms) => {
        this.nowMs += ms;
      },
      patienceMs: 60_000,
      stop: this.stop.signal,
    });
  }

  #look(): Hub {
    for (const { step } of this.#due.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.hub = after(this.hub, step);
    }
    this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs);
    return this.glitch(this.nowMs) ?? this.hub;
  }
}

test('each step is asked for once, and the next when it has had its effect', async () => {
  const fake = new FakeHub();
  await fake.change();
  assert.deepEqual(
    fake.asked.map((step) => step.do),
    ['start', 'start', 'copies', 'copies'],
  );
  assert.equal(fake.hub.streams[0]?.copies.length, 5);
  assert.equal(fake.events.filter(({ event }) => event === 'step').length, 4);
});

test('a moment without a leader after a step is no end; one that lasts is', async () => {
  const fake = new FakeHub();
  const leaderless = { ...three, leader: undefined };
  fake.glitch = (nowMs) => (nowMs >= 1_000 && nowMs < 9_000 ? leaderless : undefined);
  await fake.change();
  assert.equal(fake.hub.streams[0]?.copies.length, 5);
  const lasting = new FakeHub();
  lasting.glitch = (nowMs) => (nowMs >= 1_000 ? leaderless : undefined);
  await assert.rejects(lasting.change(), { code: 'no_quorum' });
  assert.ok(lasting.nowMs < 30_000);
});

test('what is refused at the outset is refused at once, with nothing done', async () => {
  const fake = new FakeHub();
  fake.glitch = () => ({ ...three, clustered: false });
  await assert.rejects(fake.change(), { code: 'hub_alone' });
  assert.deepEqual([fake.asked, fake.nowMs], [[], 0]);
});

test('one look that lacks an answer refuses nothing; a voter that stays away does, in bounded time', async () => {
  const silent = (server: string): Hub => ({
    ...three,
    members: three.members.map((one) =>
      one.server === server ? { ...one, online: false, current: false } : one,
    ),
  });
  const fake = new FakeHub();
  fake.glitch = (nowMs) => (nowMs < 2_000 ? silent('hub-ap') : undefined);
  await fake.change();
  assert.equal(fake.hub.streams[0]?.copies.length, 5);
  const nobody = new FakeHub();
  nobody.glitch = (nowMs) => {
    if (nowMs >= 2_000) return undefined;
    throw new Error('no voter of the store is reached');
  };
  await nobody.change();
  assert.equal(nobody.hub.streams[0]?.copies.length, 5);
  const away = new FakeHub();
  // Another each time: it is the same doubt.
  away.glitch = (nowMs) => silent(servers[(nowMs / 1_000) % 3]!);
  await assert.rejects(away.change(), { code: 'voter_down' });
  assert.deepEqual([away.asked, away.nowMs], [[], 5_000]);
});

test('a step that fails is asked for again; with no progress it ends and says why', async () => {
  const fake = new FakeHub();
  let failures = 2;
  fake.refuse = () => (failures-- > 0 ? new Error('try again') : undefined);
  await fake.change();
  assert.equal(fake.asked.length, 6);
  const stuck = new FakeHub();
  stuck.refuse = () => new Error('no storage');
  await assert.rejects(stuck.change(), { code: 'hub_stalled', message: /60 s: no storage$/ });
});

test('stopped, it says so, and a second run takes up where the first ended', async () => {
  const fake = new FakeHub();
  fake.refuse = (step) => {
    if (step.do === 'copies') fake.stop.abort();
    return undefined;
  };
  await assert.rejects(fake.change(), { code: 'interrupted' });
  assert.equal(fake.hub.members.length, 5);
  const again = new FakeHub();
  again.hub = fake.hub;
  await again.change();
  assert.deepEqual(
    again.asked.map((step) => step.do),
    ['copies', 'copies'],
  );
});
