import { MeridianError } from '../base/errors.ts';

/**
 * What is refused from other nodes:
 *
 *   bad_vector       not a verdict vector, or one beyond the bounds
 *   foreign_vector   well-formed, but its sender may not speak for the region it names
 */
export type HealthErrorCode = 'bad_vector' | 'foreign_vector';

export class HealthError extends MeridianError<HealthErrorCode> {}
