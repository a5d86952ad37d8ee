import { choose } from '../../src/steering/choose.ts';
import type { SteeredAnswer, SteeredSet } from '../../src/steering/record-set.ts';
import {
  answerOf,
  areaSet,
  createWorld,
  networkSet,
  octetLocator,
  setOf,
} from '../../src/steering/testdata/three-regions.ts';
import type { MicroCase } from './micro-case.ts';

const { context } = createWorld({ locator: octetLocator });
const client = { address: Uint8Array.of(30, 1, 2, 0), prefixBits: 24 };
let turn = 0;

function caseOf(name: string, set: SteeredSet, beside?: string): MicroCase {
  return {
    name,
    ...(beside !== undefined && { beside }),
    run() {
      turn = (turn + 1) % 64;
      return choose(set, client, context, turn / 64);
    },
  };
}

/** Of 16 bits each, but for the one that the client is in. */
const networks = (count: number) =>
  networkSet([
    ...Array.from({ length: count - 1 }, (_, at) => ({
      region: 0,
      networks: [`${100 + (at >> 8)}.${at & 0xff}.0.0/16`],
    })),
    { region: 1, networks: ['30.1.0.0/16'] },
  ]);

const ofSimple = 'steering: simple';
const ofFewAreas = 'steering: geolocation, 2 areas';
const ofFewNetworks = 'steering: cidr, 10 networks';
const ofWeighted = 'steering: weighted';
const answers = [
  answerOf(0, { role: 'primary', weight: 3 }),
  answerOf(1, { role: 'secondary', weight: 1 }),
];
const weighted = setOf({ routing: 'weighted', answers });
const above = (set: SteeredSet): SteeredAnswer =>
  answerOf(-1, { branch: { name: 'below', set, evaluate: true } });
const countries = ['US', 'FR', 'VN', 'JP', 'BR', 'IN', 'ZA', 'AU', 'CA', 'MX', 'NG', 'EG', 'KE'];

export const steering: readonly MicroCase[] = [
  caseOf(ofSimple, setOf({ routing: 'simple' })),
  caseOf(ofWeighted, weighted, ofSimple),
  caseOf('steering: weighted, sticky', { ...weighted, stickyBy: 'network' }, ofWeighted),
  caseOf('steering: failover', setOf({ routing: 'failover', answers }), ofSimple),
  caseOf('steering: latency by distance', setOf(), ofSimple),
  caseOf('steering: geoproximity', setOf({ routing: 'geoproximity' }), ofSimple),
  caseOf(ofFewAreas, areaSet([{ region: 0 }, { region: 1, country: 'DE' }]), ofSimple),
  caseOf(
    'steering: geolocation, 15 areas',
    areaSet([
      ...countries.map((country) => ({ region: 0, country })),
      { region: 0 },
      { region: 1, country: 'DE' },
    ]),
    ofFewAreas,
  ),
  caseOf(ofFewNetworks, networks(10), ofSimple),
  caseOf('steering: cidr, 10,000 networks', networks(10_000), ofFewNetworks),
  caseOf(
    'steering: a tree of 3 weighted sets',
    setOf({ routing: 'weighted', answers: [above(weighted), above(weighted)] }),
    ofWeighted,
  ),
];
