import fc from 'fast-check';
import type { StateCode } from '../../health/table.ts';
import { formatNetwork } from '../network.ts';
import type { ClientNetwork, RoutingPolicyName, SteeredSet } from '../record-set.ts';
import type { AreaOfAnswer } from '../tiers/area-index.ts';
import {
  areaSet,
  compileModel,
  createWorld,
  measuredCells,
  networkSet,
  octetLocator,
} from './three-regions.ts';

/** Arbitraries of whole worlds, record sets and clients, for properties of every policy. */

const latency = [
  { network: '20.0.0.0/9', regions: { 'eu-west-1': '30ms', 'us-east-1': '30ms' } },
  { network: '20.128.0.0/10', regions: { 'ap-southeast-1': '8ms' } },
  { network: '20.129.0.0/16', regions: { 'us-east-1': '1ms', 'ap-southeast-1': '9ms' } },
  { network: '10.64.0.128/25', regions: { 'us-east-1': '4ms' } },
  { network: '0.0.0.0/1', regions: { 'ap-southeast-1': '50ms' } },
];

/** Beside the table, within its networks and across their borders. */
const measured = measuredCells({
  '10.64.0.0/24': [5, 9, 7],
  '10.64.1.0/24': [15, 90, 70],
  '20.0.0.0/24': [3, 2, 1],
  '20.128.1.0/24': [3, 2, 1],
  '20.129.0.0/24': [Number.NaN, 8, 8],
  '200.128.0.0/24': [20, 10, 30],
  '200.128.1.0/24': [20, 10, Number.NaN],
  'a00::/48': [7, 9, 8],
  'a00:0:1::/48': [7, 9, 8],
  '1400:100::/48': [1, 2, 3],
});

const anyState = fc.constantFrom<StateCode>(0, 1, 2);
const regionState = fc.record({
  gateway: anyState,
  services: fc.tuple(anyState, anyState, anyState),
  draining: fc.boolean(),
  control: fc.boolean(),
});
const weightedTowardsOn = regionState.map((state) => ({
  ...state,
  draining: state.draining && state.gateway === 0,
  control: state.control || state.gateway === 1,
}));

/** A world in any state, with measured and located client networks. */
export const anyWorld = fc
  .tuple(
    fc.array(weightedTowardsOn, { minLength: 3, maxLength: 3 }),
    fc.constantFrom('us-east-1', 'eu-west-1', 'ap-southeast-1'),
    fc.constantFrom(compileModel([]), compileModel(latency)),
    fc.constantFrom(undefined, measured, measured),
  )
  .map(([states, ownRegion, compiled, reported]) => {
    const world = createWorld({ ownRegion, compiled, locator: octetLocator, measured: reported });
    for (const [region, { gateway, services, draining, control }] of states.entries()) {
      world.table.setGateway(region, gateway);
      world.table.setDraining(region, draining);
      world.table.setControlOn(region, control);
      for (const [service, state] of services.entries()) {
        world.table.setService(service, region, state);
      }
    }
    return world;
  });

const settings = {
  evaluate: fc.constantFrom('service', 'gateway', 'none'),
  service: fc.integer({ min: -1, max: 2 }),
  lastResort: fc.constantFrom('open', 'closed', 'fixed'),
} as const;
const region = fc.integer({ min: 0, max: 3 });

const anyPlainSet: fc.Arbitrary<SteeredSet> = fc
  .record({
    routing: fc.constantFrom<RoutingPolicyName>(
      'simple',
      'weighted',
      'failover',
      'latency',
      'multivalue',
      'geoproximity',
    ),
    ...settings,
    answers: fc.uniqueArray(
      fc.record({
        region,
        weight: fc.constantFrom(0, 0, 1, 7, 255),
        role: fc.constantFrom('primary', 'secondary'),
        bias: fc.constantFrom(-99, -40, 0, 60, 99),
      }),
      { minLength: 1, maxLength: 4, selector: (answer) => answer.region },
    ),
  })
  .chain(withShare);

/** Where it has a meaning: the rules of the configuration see to that. */
function withShare(set: SteeredSet): fc.Arbitrary<SteeredSet> {
  if (set.routing === 'failover') return fc.constant(set);
  const minimumHealthyShare = fc.constantFrom(undefined, undefined, 0.3, 0.5, 1);
  return fc.tuple(minimumHealthyShare, fc.boolean()).map(([share, isSticky]) => ({
    ...set,
    ...(share !== undefined && { minimumHealthyShare: share }),
    ...(isSticky && set.routing === 'weighted' && { stickyBy: 'network' as const }),
  }));
}

const anyArea: fc.Arbitrary<AreaOfAnswer> = fc.oneof(
  fc.constant({}),
  fc.constantFrom('NA', 'EU', 'AF').map((continent) => ({ continent })),
  fc.constantFrom('US', 'DE', 'VN').map((country) => ({ country })),
  fc.constant({ subdivision: 'US-CA' }),
);
const anyAreaSet = fc
  .tuple(
    fc.array(
      fc.tuple(region, anyArea).map(([at, area]) => ({ ...area, region: at })),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
    fc.record(settings),
  )
  .map(([answers, more]) => areaSet(answers, more));

const firstOctet = fc.constantFrom(10, 20, 21, 30, 31, 40, 60, 200);
/** Often in or beside one of `measured`. */
const nearOctet = fc.oneof(fc.nat(2), fc.nat(255));
const secondOctet = fc.constantFrom(0, 64, 128, 129);
export const anyIpv4 = fc
  .tuple(firstOctet, secondOctet, nearOctet, fc.nat(255))
  .map((octets) => Uint8Array.from(octets));
export const anyIpv6 = fc
  .tuple(firstOctet, secondOctet, fc.nat(2), fc.constant(0), fc.nat(2), nearOctet, fc.nat(255))
  .map((octets) => Uint8Array.from([...octets, ...new Array<number>(9).fill(0)]));

/** Networks that often hold each other, and often a client. */
const anyNetwork = fc
  .oneof(
    fc.tuple(anyIpv4, fc.constantFrom(0, 3, 8, 9, 10, 15, 16, 17, 23, 24, 25, 32)),
    fc.tuple(anyIpv6, fc.constantFrom(0, 8, 9, 16, 24, 32, 33, 40, 48, 49, 56, 128)),
  )
  .map(([address, prefixBits]) => formatNetwork({ address, prefixBits }));
const anyNetworkSet = fc
  .tuple(
    fc.array(fc.record({ region, networks: fc.uniqueArray(anyNetwork, { maxLength: 5 }) }), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.record(settings),
  )
  .map(([answers, more]) => networkSet(answers, more));

/** Of every policy, without branches. */
const anyLeafSet: fc.Arbitrary<SteeredSet> = fc.oneof(
  { weight: 4, arbitrary: anyPlainSet },
  { weight: 2, arbitrary: anyAreaSet },
  { weight: 2, arbitrary: anyNetworkSet },
);
/** Some answers of the set come from one of these. */
function anyAbove(below: fc.Arbitrary<SteeredSet>): fc.Arbitrary<SteeredSet> {
  const branch = fc.option(fc.tuple(below, fc.boolean(), fc.boolean()), { nil: undefined });
  return fc
    .tuple(anyLeafSet, fc.array(branch, { minLength: 6, maxLength: 6 }))
    .map(([set, all]) => ({
      ...set,
      answers: set.answers.map((answer, at) => {
        const [tree, evaluate = true, isPlain] = all[at] ?? [];
        if (!tree) return answer;
        const isPlace = set.routing === 'latency' || set.routing === 'geoproximity';
        const region = isPlace ? answer.region : -1;
        return {
          ...answer,
          region,
          branch: { name: `b${at}`, set: isPlain ? undefined : tree, evaluate },
        };
      }),
    }));
}
const anyTwoLevels = anyAbove(anyLeafSet);

/** Of every policy, and trees of them. */
export const anySet: fc.Arbitrary<SteeredSet> = fc.oneof(
  { weight: 3, arbitrary: anyLeafSet },
  { weight: 2, arbitrary: anyTwoLevels },
  { weight: 1, arbitrary: anyAbove(fc.oneof(anyLeafSet, anyTwoLevels)) },
);
/** Of the policies without tiers: each answer is for every client. */
export const anySetForAll = anyPlainSet;

export const anyClient: fc.Arbitrary<ClientNetwork | undefined> = fc.option(
  fc.oneof(
    fc.record({ address: anyIpv4, prefixBits: fc.constantFrom(0, 8, 24, 32) }),
    fc.record({ address: anyIpv6, prefixBits: fc.constantFrom(0, 8, 48, 56, 128) }),
  ),
  { nil: undefined },
);
export const anyRandom = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
