import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Hub } from './hub.ts';
import { nextMove } from './next-move.ts';
import { type Goal, mayPass, nextStep } from './next-step.ts';
import { foresee, planFor } from './plan.ts';
import { describeStep } from './words.ts';

const three = ['eu', 'us', 'ap'];
const five = [...three, 'sa', 'af'];

/** A hub whose buckets have a copy on each voter; `down` do not answer. */
function hubOf(regions: readonly string[], down: readonly string[] = []): Hub {
  const servers = regions.map((region) => (region.startsWith('hub-') ? region : `hub-${region}`));
  const whole = (server: string) => !down.includes(server.replace('hub-', ''));
  const stream = (name: string, leader: string | undefined) => ({
    name,
    replicas: servers.length,
    leader,
    copies: servers.map((server) => ({
      server,
      online: whole(server),
      current: whole(server),
      lag: 0,
    })),
  });
  const up = servers.filter(whole);
  return {
    clustered: true,
    leader: up[0],
    members: servers.map((server) => ({ server, online: whole(server), current: whole(server) })),
    streams: [stream('KV_config', up[0]), stream('KV_status', up.at(-1))],
  };
}

const grow = (voters: readonly string[]): Goal => ({ voters, add: true, remove: false });
const shrink = (voters: readonly string[]): Goal => ({ voters, add: false, remove: true });
const replace = (voters: readonly string[], region: string): Goal => ({
  voters,
  add: false,
  remove: false,
  replace: region,
});
const told = (hub: Hub, goal: Goal) => {
  const { steps, end } = planFor(hub, goal);
  return [...steps.map(describeStep), end.next === 'refused' ? end.code : end.next];
};

describe('what is done to a hub, in order', () => {
  test('from three voters to five: voters first, then copies', () => {
    assert.deepEqual(told(hubOf(three), grow(five)), [
      'start the voter of sa, hub-sa',
      'start the voter of af, hub-af',
      'config: 3 copies → 4',
      'config: 4 copies → 5',
      'status: 3 copies → 4',
      'status: 4 copies → 5',
      'done',
    ]);
  });

  test('from five to three: what it leads goes first, the number of copies is lowered last', () => {
    assert.deepEqual(told(hubOf(five), shrink(three)), [
      'take hub-sa out of the hub; its process can then be ended',
      'status: led by eu, not af',
      'take hub-af out of the hub; its process can then be ended',
      'config: 5 copies → 3',
      'status: 5 copies → 3',
      'done',
    ]);
  });

  test('a lost voter is replaced by one of another name, and forgotten when that is there', () => {
    assert.deepEqual(told(hubOf(three, ['ap']), replace(three, 'ap')), [
      'start the voter of ap, hub-ap_2',
      'forget hub-ap, which is gone; its copies are made anew elsewhere',
      'done',
    ]);
    const again = hubOf(['eu', 'us', 'ap_2'], ['ap_2']);
    assert.equal(told(again, replace(three, 'ap'))[0], 'start the voter of ap, hub-ap_3');
  });

  test('what is so already needs nothing', () => {
    for (const goal of [grow(three), shrink(three), replace(three, 'us')]) {
      assert.deepEqual(told(hubOf(three), goal), ['done']);
    }
  });

  test('a copy that is behind, a voter that joins, a copy on a forgotten server: waits', () => {
    const hub = hubOf(three);
    const [config, status] = hub.streams;
    const behind = config!.copies.map((copy) =>
      copy.server === 'hub-ap' ? { ...copy, current: false, lag: 7 } : copy,
    );
    const streams = [{ ...config!, copies: behind }, status!];
    assert.deepEqual(nextStep({ ...hub, streams }, shrink(three)), {
      next: 'wait',
      why: 'KV_config: the copy on hub-ap catches up, 7 operations behind',
    });
    const joining = { server: 'hub-sa', online: true, current: false };
    const members = [...hub.members, joining];
    assert.equal(nextStep({ ...hub, members }, grow(five)).next, 'step', 'the next is started');
    const both = [...members, { ...joining, server: 'hub-af' }];
    assert.equal(nextStep({ ...hub, members: both }, grow(five)).next, 'wait');
    const gone = { ...hub, members: hub.members.slice(0, 2) };
    assert.equal(nextStep(gone, replace(three, 'eu')).next, 'wait');
  });

  test('refusals, each in a sentence', () => {
    const cases: [Hub, Goal, string][] = [
      [{ ...hubOf(['eu']), clustered: false }, grow(three), 'hub_alone'],
      [hubOf(three, ['us', 'ap']), replace(three, 'us'), 'no_quorum'],
      [{ ...hubOf(three), leader: undefined }, grow(five), 'no_quorum'],
      [{ clustered: false, leader: undefined, members: [], streams: [] }, grow(five), 'no_quorum'],
      [hubOf(three, ['ap']), grow(five), 'voter_down'],
      [hubOf(five, ['us']), shrink(three), 'voter_down'],
      [hubOf(three), shrink(['eu']), 'hub_to_one'],
      [hubOf(three), replace(three, 'sa'), 'not_a_voter'],
      [hubOf(['eu', 'us', 'sa']), shrink(three), 'voter_missing'],
      [hubOf(['eu', 'us', 'hub-x_y']), grow(three), 'hub_name_unknown'],
    ];
    for (const [hub, goal, code] of cases) {
      const outcome = nextStep(hub, goal);
      assert.equal(outcome.next === 'refused' && outcome.code, code);
      assert.match(outcome.next === 'refused' ? outcome.why : '', /^[^\n]{10,}$/);
    }
  });

  test('a refusal may pass where a server has not answered, and its answer would count', () => {
    const cases: [Hub, Goal, boolean][] = [
      [hubOf(three, ['ap']), grow(five), true],
      [{ ...hubOf(three), leader: undefined }, grow(five), true],
      [{ clustered: false, leader: undefined, members: [], streams: [] }, grow(five), true],
      [hubOf(['eu', 'us', 'sa']), shrink(three), false],
      [hubOf(['eu', 'us', 'sa'], ['sa']), shrink(three), true],
      [{ ...hubOf(['eu']), clustered: false }, grow(three), false],
      [hubOf(five, ['us']), shrink(['eu']), false],
      [hubOf(three, ['ap']), replace(three, 'sa'), false],
      [hubOf(three), grow(three), false],
    ];
    for (const [hub, goal, expected] of cases) {
      assert.equal(mayPass(hub, nextStep(hub, goal)), expected, JSON.stringify([hub, goal]));
    }
  });

  test('a bucket whose copy there would be the last current one keeps it', () => {
    const hub = hubOf(five);
    const only = {
      name: 'KV_odd',
      replicas: 1,
      leader: 'hub-sa',
      copies: [{ server: 'hub-sa', online: true, current: true, lag: 0 }],
    };
    assert.deepEqual(nextStep({ ...hub, streams: [only] }, shrink(three)), {
      next: 'refused',
      code: 'would_lose_quorum',
      why: 'hub-sa cannot be taken out: its copy of KV_odd is the last one',
    });
  });

  test('an even hub with a dead surplus voter: forgotten before a living one', () => {
    assert.deepEqual(told(hubOf(five, ['sa']), shrink(three)).slice(0, 1), [
      'forget hub-sa, which is gone; its copies are made anew elsewhere',
    ]);
  });
});

describe('moving a bucket', () => {
  const move = (hub: Hub, stream: string, region: string) => {
    const { steps, end } = foresee(hub, (state) => nextMove(state, { stream, region }));
    return [...steps.map(describeStep), end.next === 'refused' ? end.code : end.next];
  };

  test('its lead goes to the copy there; with none there, a copy goes first', () => {
    assert.deepEqual(move(hubOf(three), 'KV_config', 'us'), ['config: led by us, not eu', 'done']);
    assert.deepEqual(move(hubOf(three), 'KV_config', 'eu'), ['done']);
    const hub = hubOf(three);
    const member = { server: 'hub-sa', online: true, current: true };
    assert.deepEqual(move({ ...hub, members: [...hub.members, member] }, 'KV_config', 'sa'), [
      'config: its copy in us → sa',
      'config: led by sa, not eu',
      'done',
    ]);
  });

  test('refused where nobody answers there, or the bucket is not known', () => {
    assert.deepEqual(move(hubOf(three), 'KV_config', 'sa'), ['not_a_voter']);
    assert.deepEqual(move(hubOf(three, ['ap']), 'KV_config', 'ap'), ['voter_down']);
    assert.deepEqual(move(hubOf(three), 'KV_none', 'us'), ['no_such_bucket']);
    assert.deepEqual(move(hubOf(three, ['ap']), 'KV_none', 'us'), ['voter_down']);
  });

  test('waits while a copy is not current: none is moved then', () => {
    const hub = hubOf(three, ['ap']);
    const member = { server: 'hub-sa', online: true, current: true };
    const wider = { ...hub, members: [...hub.members, member] };
    assert.deepEqual(move(wider, 'KV_config', 'sa'), ['wait']);
  });
});
