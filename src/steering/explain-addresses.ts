import { type StateName, stateNames } from '../health/table.ts';
import { type AddressGrade, addressGrade, gradeAddress } from './addresses.ts';
import type { SteeringContext } from './context.ts';
import type { Choice, SteeredAnswer, SteeredSet } from './record-set.ts';

/** What stood for and against one address of a region that publishes several. */
export interface CandidateAddress {
  readonly address: string;
  readonly node: string;
  readonly state: StateName;
  readonly draining: boolean;
  /** Whether it is in the answer. */
  readonly given: boolean;
  readonly why: string;
}

/** Of an answer that is the addresses of a region with several. */
export function judgeAddresses(
  set: SteeredSet,
  answer: number,
  { topology, states }: SteeringContext,
  choice: Choice,
): { readonly addresses?: readonly CandidateAddress[] } {
  const { addresses }: Partial<SteeredAnswer> = set.answers[answer] ?? {};
  if (!addresses) return {};
  const given = choice.addresses?.[choice.answers.indexOf(answer)] ?? [];
  const judged = addresses.map((index, position) => {
    const graded = gradeAddress(index, set.evaluate, states);
    const isGiven = given.includes(position);
    const outcome = isGiven ? 'given' : given.length > 0 ? 'left out' : 'not given';
    return {
      address: topology.addresses[index]?.address ?? '-',
      node: topology.addresses[index]?.node?.name ?? '-',
      state: stateNames[states.address(index)],
      draining: states.addressDraining(index),
      given: isGiven,
      why: `${whyAddress(graded, index, set, states)}: ${outcome}`,
    };
  });
  return { addresses: judged };
}

function whyAddress(
  graded: AddressGrade,
  index: number,
  { evaluate }: SteeredSet,
  states: SteeringContext['states'],
): string {
  if (graded === addressGrade.unusable) return 'unhealthy';
  if (graded === addressGrade.usable) {
    return evaluate === 'none' ? 'health is not evaluated' : 'healthy';
  }
  return states.addressDraining(index) ? 'its node is draining' : 'no evidence about it yet';
}
