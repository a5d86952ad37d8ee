import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unhealthy } from '../health/table.ts';
import { choose } from './choose.ts';
import { explainChoice } from './explain.ts';
import { biasedKm } from './policies/geoproximity.ts';
import type { ClientNetwork, SteeredSet } from './record-set.ts';
import {
  answerOf,
  ap,
  areaSet,
  createWorld,
  eu,
  networkSet,
  octetLocator,
  rates,
  setOf,
  us,
} from './testdata/three-regions.ts';

function client(first: number, second = 0, prefixBits = 24): ClientNetwork {
  return { address: Uint8Array.of(first, second, 0, 0), prefixBits };
}

const located = () => createWorld({ locator: octetLocator });

describe('geolocation', () => {
  const areas = [
    { region: us, country: 'US' },
    { region: eu, continent: 'EU' },
    { region: ap, subdivision: 'US-CA' },
    { region: eu, country: 'FR' },
  ];
  const set = areaSet(areas);
  const withDefault = areaSet([...areas, { region: -1 }]);
  const ask = (network: ClientNetwork | undefined, asked = set, world = located()) => {
    const { answers, scopeBits, rule } = choose(asked, network, world.context, 0);
    return [answers[0], scopeBits, rule];
  };

  test('the smallest area wins', () => {
    const first = (area: string) => `geolocation: ${area} is the smallest that holds the client`;
    assert.deepEqual(ask(client(20)), [0, 8, first('country US')]);
    assert.deepEqual(ask(client(21)), [2, 8, first('subdivision US-CA')]);
    assert.deepEqual(ask(client(30)), [1, 8, first('continent EU')]);
    assert.deepEqual(ask(client(31)), [3, 8, first('country FR')]);
  });

  test('no area and no default: no answer, and only for clients there', () => {
    const rule = 'no answer: none is for this client, and there is no default';
    assert.deepEqual(ask(client(40)), [undefined, 8, rule]);
    assert.deepEqual(ask(undefined), [undefined, 0, rule]);
    assert.equal(ask(client(40), withDefault)[0], 4);
    assert.equal(ask(client(99), withDefault)[0], 4);
    assert.deepEqual(ask(undefined, withDefault).slice(0, 2), [4, 0]);
  });

  test('an area that is unhealthy gives way to the next larger one, with the same scope', () => {
    const world = located();
    world.table.setService(rates, ap, unhealthy);
    const fallback = (area: string) =>
      `geolocation: nothing smaller around the client is usable, so ${area}`;
    assert.deepEqual(ask(client(21), set, world), [0, 8, fallback('country US')]);
    world.table.setService(rates, us, unhealthy);
    assert.deepEqual(ask(client(21), withDefault, world), [4, 8, fallback('the default')]);
    // With nothing larger, all count as healthy, so the smallest.
    const [answer, , rule] = ask(client(21), set, world);
    assert.equal(answer, 2);
    assert.match(String(rule), /^last resort, geolocation: subdivision US-CA/);
    // What is healthy elsewhere in the world is for others.
    assert.equal(ask(client(20), set, world)[0], 0);
  });

  test('a database that knows the continent only', () => {
    const africa = areaSet([{ region: eu, continent: 'AF' }, { region: us }]);
    assert.equal(ask(client(60), africa)[0], 0);
    assert.equal(ask(client(40), africa)[0], 1);
  });

  test('answers for one area are given together', () => {
    const both = areaSet([
      { region: us, country: 'DE' },
      { region: eu, country: 'DE' },
    ]);
    assert.deepEqual(choose(both, client(30), located().context, 0).answers, [0, 1]);
  });

  test('the explanation tells which answers are for the client', () => {
    const { candidates } = explainChoice(withDefault, client(21), located().context, 0);
    assert.deepEqual(
      candidates.map(({ clientIn, usable }) => [clientIn, usable]),
      [
        ['country US', 'healthy'],
        [undefined, 'no'],
        ['subdivision US-CA', 'healthy'],
        [undefined, 'no'],
        ['the default', 'healthy'],
      ],
    );
    assert.equal(candidates[1]?.why, 'it is for other clients: not chosen');
  });
});

describe('cidr', () => {
  const networks = [
    { region: us, networks: ['20.0.0.0/8', '2001:db8::/32'] },
    { region: eu, networks: ['20.1.0.0/16', '30.0.0.0/24'] },
    { region: ap, networks: ['20.1.128.0/17'] },
  ];
  const set = networkSet(networks);
  const withDefault = networkSet([...networks, { region: -1, networks: [] }]);
  const ask = (network: ClientNetwork | undefined, asked = set, world = createWorld()) => {
    const { answers, scopeBits } = choose(asked, network, world.context, 0);
    return [answers[0], scopeBits];
  };

  test('the longest prefix wins, and the scope ends where another network begins', () => {
    assert.deepEqual(ask(client(20, 200)), [0, 9]);
    assert.deepEqual(ask(client(20, 1)), [1, 17]);
    const upper = { address: Uint8Array.of(20, 1, 200, 0), prefixBits: 24 };
    assert.deepEqual(ask(upper), [2, 17]);
    const v6 = { address: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array(12).fill(0)) };
    assert.deepEqual(ask({ ...v6, prefixBits: 56 }), [0, 32]);
  });

  test('a query whose prefix is shorter than the block does not match it', () => {
    assert.deepEqual(ask(client(20, 1, 16)), [1, 17]);
    // The scope is longer than the source, so that no cache takes this for an answer to 20.1/16.
    assert.deepEqual(ask(client(20, 1, 15)), [0, 17]);
    assert.deepEqual(ask(client(20, 0, 7), withDefault)[0], 3);
    assert.deepEqual(ask(client(30, 0, 23), withDefault), [3, 24]);
  });

  test('outside all networks: the default, else no answer', () => {
    assert.deepEqual(ask(client(40)), [undefined, 3]);
    assert.deepEqual(ask(client(40), withDefault), [3, 3]);
    assert.deepEqual(ask(undefined, withDefault), [3, 0]);
    assert.deepEqual(ask({ ...client(20, 1), prefixBits: 0 }, withDefault), [3, 0]);
  });

  test('a network whose answers are unhealthy gives way to the one around it', () => {
    const world = createWorld();
    world.table.setService(rates, eu, unhealthy);
    assert.deepEqual(ask(client(20, 1), set, world), [0, 17]);
    world.table.setService(rates, us, unhealthy);
    assert.deepEqual(ask(client(20, 1), set, world), [1, 17]);
    assert.deepEqual(ask(client(20, 1), withDefault, world), [3, 17]);
  });

  test('of very many networks an explanation shows those of the client', () => {
    const many = networkSet(
      Array.from({ length: 200 }, (_, at) => ({ region: us, networks: [`20.${at}.0.0/16`] })),
    );
    const { candidates } = explainChoice(many, client(20, 7), createWorld().context, 0);
    assert.deepEqual(
      candidates.map(({ answer, clientIn }) => [answer, clientIn]),
      [[7, '20.7.0.0/16']],
    );
  });
});

describe('geoproximity', () => {
  const near = (answers: SteeredSet['answers'], network = client(30), world = located()) => {
    const choice = choose(setOf({ routing: 'geoproximity', answers }), network, world.context, 0);
    return [choice.answers, choice.scopeBits] as const;
  };

  test('bias: distance × (1 − bias/100), or ÷ (1 + bias/100) below 0', () => {
    assert.equal(biasedKm(1_000, 0), 1_000);
    assert.equal(biasedKm(1_000, 25), 750);
    assert.equal(biasedKm(1_000, -50), 2_000);
    assert.ok(Math.abs(biasedKm(1_000, 99) - 10) < 1e-9);
    assert.ok(Math.abs(biasedKm(1_000, -99) - 100_000) < 1e-6);
  });

  test('the nearest place wins, and bias moves the border', () => {
    assert.deepEqual(near([answerOf(us), answerOf(eu)]), [[1], 8]);
    // That place in Germany is 1,140 km from Dublin and 6,600 km from Virginia.
    assert.deepEqual(near([answerOf(us, { bias: 90 }), answerOf(eu)]), [[0], 8]);
    assert.deepEqual(near([answerOf(us), answerOf(eu, { bias: -90 })]), [[0], 8]);
    assert.deepEqual(near([answerOf(us, { bias: 50 }), answerOf(eu)]), [[1], 8]);
  });

  test('answers have places of their own, without a region too', () => {
    const berlin = { latitude: 52.5, longitude: 13.4 };
    assert.deepEqual(near([answerOf(eu), answerOf(-1, { location: berlin })]), [[1], 8]);
    assert.deepEqual(near([answerOf(us, { location: berlin }), answerOf(eu)]), [[0], 8]);
  });

  test('without a location the region that is asked counts; unhealthy places do not', () => {
    assert.deepEqual(near([answerOf(us), answerOf(eu)], client(99)), [[0], 8]);
    const world = located();
    world.table.setService(rates, eu, unhealthy);
    assert.deepEqual(near([answerOf(us), answerOf(eu)], client(30), world), [[0], 0]);
  });

  test('ties go by region name; answers of one place are given together', () => {
    const here = { latitude: 10, longitude: 10 };
    const tie = [answerOf(us, { location: here }), answerOf(ap, { location: here })];
    assert.deepEqual(near(tie), [[1], 8]);
    assert.deepEqual(near([answerOf(us), answerOf(eu), answerOf(eu)]), [[1, 2], 8]);
  });
});

describe('multivalue', () => {
  const many = setOf({
    routing: 'multivalue',
    answers: Array.from({ length: 20 }, (_, at) => answerOf(at < 10 ? us : eu)),
  });

  test('up to eight healthy ones, up to eight unhealthy ones when all are', () => {
    const world = createWorld();
    assert.equal(choose(many, undefined, world.context, 0.3).answers.length, 8);
    world.table.setGateway(us, unhealthy);
    const { answers } = choose(many, undefined, world.context, 0.3);
    assert.equal(new Set(answers).size, 8);
    assert.ok(answers.every((index) => index >= 10));
    world.table.setGateway(eu, unhealthy);
    const last = choose(many, undefined, world.context, 0.3);
    assert.equal(new Set(last.answers).size, 8);
    assert.match(last.rule, /^last resort, multivalue/);
  });

  test('each answer has its chance, in each place', () => {
    const { context } = createWorld();
    const first = new Array<number>(20).fill(0);
    const any = new Array<number>(20).fill(0);
    const rounds = 20_000;
    for (let round = 0; round < rounds; round++) {
      const { answers } = choose(many, undefined, context, round / rounds);
      first[answers[0] ?? -1]! += 1;
      for (const index of answers) any[index]! += 1;
    }
    for (const count of first) assert.ok(Math.abs(count / rounds - 1 / 20) < 0.01, `${first}`);
    for (const count of any) assert.ok(Math.abs(count / rounds - 8 / 20) < 0.03, `${any}`);
  });

  test('up to eight: all of them, each first in turn', () => {
    const few = setOf({ routing: 'multivalue' });
    assert.deepEqual(choose(few, undefined, createWorld().context, 0.4).answers, [1, 2, 0]);
  });
});
