import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Copy, type Hub, hasMajority, regionOf, type Stream, wholeCopies } from './hub.ts';
import { nextMove } from './next-move.ts';
import { type Goal, nextStep, type Outcome, type Step } from './next-step.ts';
import { planFor } from './plan.ts';

/*
 * The planner against a hub that behaves as badly as it may: what is new has nothing yet,
 * the servers choose who takes a place and who loses one, copies catch up in any order,
 * voters stop answering in between.
 */

const regions = ['eu', 'us', 'ap', 'sa', 'af', 'me'];
const servers = regions.flatMap((region) => [`hub-${region}`, `hub-${region}_2`]);

const goals: fc.Arbitrary<Goal> = fc
  .record({
    count: fc.constantFrom(1, 3, 5),
    order: fc.shuffledSubarray(regions, { minLength: 6 }),
    add: fc.boolean(),
    remove: fc.boolean(),
    replace: fc.option(fc.constantFrom(...regions), { nil: undefined }),
  })
  .map(({ count, order, ...rest }) => ({ ...rest, voters: order.slice(0, count) }));

const hubs: fc.Arbitrary<Hub> = fc
  .record({
    members: fc.shuffledSubarray(servers, { minLength: 1, maxLength: 6 }),
    down: fc.array(fc.nat(5), { maxLength: 2 }),
    streams: fc.array(
      fc.record({
        first: fc.nat(5),
        size: fc.constantFrom(1, 2, 3, 3, 3, 4, 5, 5),
        missing: fc.constantFrom(0, 0, 0, 1, 2),
        behind: fc.array(fc.nat(4), { maxLength: 2 }),
        leader: fc.nat(4),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ members, down, streams }) => {
    const online = (server: string) => !down.includes(members.indexOf(server));
    return {
      clustered: true,
      leader: members.find(online),
      members: members.map((server) => ({
        server,
        online: online(server),
        current: online(server),
      })),
      streams: streams.map(({ first, size, missing, behind, leader }, index): Stream => {
        const turned = [...members.slice(first), ...members.slice(0, first)];
        const chosen = turned.filter(
          (one, place) => turned.findIndex((two) => regionOf(two) === regionOf(one)) === place,
        );
        const copies = chosen.slice(0, size).map((server, place) => ({
          server,
          online: online(server),
          current: online(server) && !behind.includes(place),
          lag: 0,
        }));
        const whole = copies.filter((copy) => copy.current);
        return {
          name: `KV_${index}`,
          replicas: copies.length + missing,
          leader: whole[leader % Math.max(1, whole.length)]?.server,
          copies,
        };
      }),
    };
  });

/** What the servers make of a step, in the worst way that `choose` picks. */
function worst(hub: Hub, step: Step, choose: (count: number) => number): Hub {
  const members = [...hub.members];
  const fill = (stream: Stream): Stream => {
    const copies: Copy[] = [...stream.copies];
    for (;;) {
      const free = members.filter(
        ({ server, online }) =>
          online && !copies.some((copy) => regionOf(copy.server) === regionOf(server)),
      );
      if (copies.length >= stream.replicas || free.length === 0) return { ...stream, copies };
      const { server } = free[choose(free.length)]!;
      copies.push({ server, online: true, current: false, lag: 9 });
    }
  };
  const each = (name: string, to: (stream: Stream) => Stream) =>
    hub.streams.map((stream) => (stream.name === name ? to(stream) : stream));
  switch (step.do) {
    case 'start':
      members.push({ server: step.server, online: true, current: false });
      return { ...hub, members, streams: hub.streams.map(fill) };
    case 'copies':
      return {
        ...hub,
        streams: each(step.stream, (stream) => {
          const copies = [...stream.copies];
          while (copies.length > step.to) {
            const others = copies.filter(({ server }) => server !== stream.leader);
            copies.splice(copies.indexOf(others[choose(others.length)]!), 1);
          }
          return fill({ ...stream, copies, replicas: step.to });
        }),
      };
    case 'lead':
      return { ...hub, streams: each(step.stream, (one) => ({ ...one, leader: step.to })) };
    case 'leadHub':
      return { ...hub, leader: step.to };
    case 'moveCopy':
      return {
        ...hub,
        streams: each(step.stream, (stream) => {
          const copies = stream.copies.filter(({ server }) => server !== step.from);
          const to = members.find(({ server }) => regionOf(server) === step.region)!;
          return { ...stream, copies: [...copies, { ...to, current: false, lag: 9 }] };
        }),
      };
    case 'forget': {
      members.splice(
        members.findIndex(({ server }) => server === step.server),
        1,
      );
      const streams = hub.streams.map((stream): Stream => {
        const copies = stream.copies.filter(({ server }) => server !== step.server);
        if (copies.length === stream.copies.length) return stream;
        const { leader, copies: size, replicas } = stream;
        const whole = copies.find((copy) => copy.current)?.server;
        const left = { ...stream, copies, replicas: size.length };
        return { ...fill(left), replicas, leader: leader === step.server ? whole : leader };
      });
      return { ...hub, members, streams };
    }
  }
}

function caughtUp(hub: Hub, whom: (server: string) => boolean): Hub {
  const fresh = <T extends { server: string; online: boolean; current: boolean }>(one: T): T =>
    one.online && whom(one.server) ? { ...one, current: true, lag: 0 } : one;
  return {
    ...hub,
    members: hub.members.map(fresh),
    streams: hub.streams.map((stream) => ({ ...stream, copies: stream.copies.map(fresh) })),
  };
}

function lost(hub: Hub, server: string | undefined): Hub {
  const gone = <T extends { server: string; online: boolean; current: boolean }>(one: T): T =>
    one.server === server ? { ...one, online: false, current: false } : one;
  const members = hub.members.map(gone);
  const streams = hub.streams.map((stream) => {
    const copies = stream.copies.map(gone);
    const whole = copies.find((copy) => copy.current)?.server;
    return { ...stream, copies, leader: stream.leader === server ? whole : stream.leader };
  });
  const leader = hub.leader === server ? members.find((one) => one.current)?.server : hub.leader;
  return { ...hub, members, streams, leader };
}

/** While some of the servers have heard of the change, and others have not. */
function majoritiesMeet({ copies: before }: Stream, { copies: after }: Stream): boolean {
  const all = new Set([...before, ...after].map(({ server }) => server));
  const majorityOf = ({ length }: readonly Copy[]) => Math.floor(length / 2) + 1;
  return majorityOf(before) + majorityOf(after) > all.size;
}

function check(before: Hub, step: Step, after: Hub): void {
  for (const [index, stream] of after.streams.entries()) {
    const text = `${JSON.stringify(step)}: ${JSON.stringify(stream)}`;
    assert.ok(hasMajority(before.streams[index]!), `begun without a majority: ${text}`);
    assert.ok(hasMajority(stream), `ends without a majority: ${text}`);
    assert.ok(wholeCopies(stream) > 0, text);
    if (step.do === 'copies') assert.ok(majoritiesMeet(before.streams[index]!, stream), text);
  }
  const online = after.members.filter((member) => member.online).length;
  assert.ok(
    online * 2 > after.members.length,
    `the hub loses its majority: ${JSON.stringify(step)}`,
  );
}

/** Walks to the end, with a loss of a voter on the way where `losses` says so. */
function walk(
  start: Hub,
  next: (hub: Hub) => Outcome,
  chances: readonly number[],
  losses: readonly number[],
): Outcome {
  let hub = start;
  let turn = 0;
  const choose = (count: number) => (chances[turn++ % chances.length] ?? 0) % count;
  for (let look = 0; look < 400; look++) {
    const outcome = next(hub);
    if (outcome.next === 'done' || outcome.next === 'refused') return outcome;
    if (outcome.next === 'step') {
      const after = worst(hub, outcome.step, choose);
      check(hub, outcome.step, after);
      hub = after;
    } else {
      const parity = choose(2);
      const some = caughtUp(hub, (server) => server.length % 2 === parity);
      const everyone = JSON.stringify(some) === JSON.stringify(hub);
      hub = everyone ? caughtUp(hub, () => true) : some;
      if (everyone && next(hub).next === 'wait' && losses.length === 0) return outcome;
    }
    const loss = losses.indexOf(look);
    if (loss >= 0) hub = lost(hub, hub.members[choose(hub.members.length)]?.server);
  }
  throw new Error('the walk does not end');
}

const chances = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 });

test('no step ever leaves a bucket, or the hub, without a majority that is current', () => {
  fc.assert(
    fc.property(hubs, goals, chances, (hub, goal, luck) => {
      walk(hub, (seen) => nextStep(seen, goal), luck, []);
    }),
    { numRuns: 3_000 },
  );
});

test('nor when voters are lost on the way, as long as they are seen to be', () => {
  const losses = fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 2 });
  fc.assert(
    fc.property(hubs, goals, chances, losses, (hub, goal, luck, at) => {
      try {
        walk(hub, (seen) => nextStep(seen, goal), luck, at);
      } catch (error) {
        if ((error as Error).message !== 'the walk does not end') throw error;
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a move keeps to it too', () => {
  fc.assert(
    fc.property(hubs, fc.constantFrom(...regions), chances, (hub, region, luck) => {
      walk(hub, (seen) => nextMove(seen, { stream: 'KV_0', region }), luck, []);
    }),
    { numRuns: 1_000 },
  );
});

test('from health, every goal of three or five voters is reached, also in several runs', () => {
  const healthy = fc.record({
    count: fc.constantFrom(3, 5),
    order: fc.shuffledSubarray(regions, { minLength: 6 }),
  });
  const wanted = fc.record({
    count: fc.constantFrom(3, 5),
    order: fc.shuffledSubarray(regions, { minLength: 6 }),
  });
  fc.assert(
    fc.property(healthy, wanted, chances, fc.nat(6), (have, want, luck, cut) => {
      const names = have.order.slice(0, have.count).map((region) => `hub-${region}`);
      const hub: Hub = {
        clustered: true,
        leader: names[0],
        members: names.map((server) => ({ server, online: true, current: true })),
        streams: ['KV_a', 'KV_b'].map((name, index) => ({
          name,
          replicas: names.length,
          leader: names[index],
          copies: names.map((server) => ({ server, online: true, current: true, lag: 0 })),
        })),
      };
      const goal: Goal = { voters: want.order.slice(0, want.count), add: true, remove: true };
      const { steps, end } = planFor(hub, goal);
      assert.equal(end.next, 'done', JSON.stringify({ steps, end }));
      let state = hub;
      let turn = 0;
      for (const step of steps.slice(0, cut)) {
        const pick = (count: number) => luck[turn++ % luck.length]! % count;
        state = caughtUp(worst(state, step, pick), () => true);
      }
      assert.equal(walk(state, (seen) => nextStep(seen, goal), luck, []).next, 'done');
    }),
    { numRuns: 1_000 },
  );
});
