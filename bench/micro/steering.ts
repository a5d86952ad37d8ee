import { choose } from '../../src/steering/choose.ts';
import type { SteeredSet } from '../../src/steering/record-set.ts';
import {
  answerOf,
  createWorld,
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

const ofSimple = 'steering: simple';
const primary = { role: 'primary', weight: 3 } as const;
const answers = [answerOf(0, primary), answerOf(1, { role: 'secondary' })];

export const steering: readonly MicroCase[] = [
  caseOf(ofSimple, setOf({ routing: 'simple' })),
  caseOf('steering: weighted', setOf({ routing: 'weighted', answers }), ofSimple),
  caseOf('steering: failover', setOf({ routing: 'failover', answers }), ofSimple),
  caseOf('steering: latency by distance', setOf(), ofSimple),
];
