import type { Config } from '../../config/schema/config.ts';
import { type Subject, targetsOf, weightsOf } from './subject.ts';
import { shiftedWeights } from './weights.ts';

/** What threads need of a shift that is in force. Plain data: it is sent to them. */
export interface AppliedShift {
  readonly subject: Subject;
  /** The service, or the answer, whose share is set; of a region its name. */
  readonly to: string;
  /** Of all requests or answers; of a region, of its own clients. 0 to 1. */
  readonly share: number;
  /** `Weights.basis` when the shift was begun. */
  readonly basis: string;
}

/**
 * The weights that are in force: derived from the configuration that a thread serves and from
 * the shifts, and from nothing else, so that all threads of all nodes come to the same.
 *
 * A shift holds for the weights that it was begun on. Where the configuration has others, they
 * are the newer word of an operator, and go before it.
 */
export interface ShiftedWeights {
  /** By region: the share of its clients that it keeps, below 1. */
  readonly regions: ReadonlyMap<string, number>;
  /** By route: side by side with its `services`. */
  readonly routes: ReadonlyMap<string, readonly number[]>;
  readonly records: readonly ShiftedRecord[];
}

export interface ShiftedRecord {
  /** Whole, in lower case. */
  readonly name: string;
  readonly type: string;
  /** Side by side with its `answers`. */
  readonly weights: readonly number[];
}

export function weightsInForce(config: Config, applied: readonly AppliedShift[]): ShiftedWeights {
  const regions = new Map<string, number>();
  const routes = new Map<string, readonly number[]>();
  const records: ShiftedRecord[] = [];
  for (const { subject, to, share, basis } of applied) {
    const configured = weightsOf(subject, config);
    if (configured?.basis !== basis) continue;
    if (subject.kind === 'region') {
      if (share < 1) regions.set(subject.region, share);
      continue;
    }
    const weights = shiftedWeights(configured.weights, targetsOf(configured, to), share);
    if (subject.kind === 'route') routes.set(subject.route, weights);
    else records.push({ name: subject.name, type: subject.type, weights });
  }
  return { regions, routes, records };
}
