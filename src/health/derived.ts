import type { Derived } from './plan-checks.ts';
import type { Decision } from './quorum.ts';
import type { StateName } from './table.ts';

/** A state that others are computed from. */
export interface Source {
  /** For people. */
  readonly name: string;
  readonly state: StateName;
}

const opposites = { healthy: 'unhealthy', unhealthy: 'healthy', unknown: 'unknown' } as const;
const shownNames = 4;

/**
 * The state of a check that is computed from others. What is unknown among them leaves the
 * outcome open only where it could turn it either way.
 */
export function decideDerived(derived: Derived, sources: readonly Source[]): Decision {
  if (derived.kind === 'inverted') {
    const [source = { name: 'nothing', state: 'unknown' as const }] = sources;
    const reason = `the inverse of ${source.name}, which is ${source.state}`;
    return { state: opposites[source.state], decided: true, reason };
  }
  const { atLeast } = derived;
  const healthy = sources.filter(({ state }) => state === 'healthy').length;
  const open = sources.filter(({ state }) => state === 'unknown').length;
  const state = healthy >= atLeast ? 'healthy' : healthy + open < atLeast ? 'unhealthy' : 'unknown';
  const reason = `${healthy} of ${sources.length} healthy, ${atLeast} needed${others(sources)}`;
  return { state, decided: true, reason };
}

/** Those that are not healthy. */
function others(sources: readonly Source[]): string {
  const names = sources
    .filter(({ state }) => state !== 'healthy')
    .map(({ name, state }) => `${name} is ${state}`);
  if (names.length === 0) return '';
  const more = names.length > shownNames ? ` and ${names.length - shownNames} more` : '';
  return `: ${names.slice(0, shownNames).join(', ')}${more}`;
}
