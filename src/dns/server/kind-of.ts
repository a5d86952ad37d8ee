import type { Resolution } from '../zone/resolve.ts';
import { type ResponseKind, responseKind } from './rate-limit/rate-limiter.ts';

/** What responses are counted by, for the limit of their rate. */
export interface CountedAs {
  readonly kind: ResponseKind;
  /** Hash of a name, by which those of one kind are told apart. */
  readonly nameHash: number;
}

/** By what our data say, not the question: names below a wildcard, or that there are none of, are endless. */
export function countedAs({ outcome, zone, node, cut }: Resolution): CountedAs {
  if (outcome === 'answer') {
    return { kind: responseKind.answer, nameHash: node?.name.hash ?? 0 };
  }
  if (outcome === 'referral') {
    return { kind: responseKind.referral, nameHash: cut?.name.hash ?? 0 };
  }
  return { kind: responseKind.absence, nameHash: zone?.apex.hash ?? 0 };
}
