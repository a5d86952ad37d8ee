import type { Config } from '../config/schema/config.ts';
import type { RecordSetConfig } from '../config/schema/zone.ts';
import { nameOfAnswer, type Subject, weightedSet } from '../steering/shifts/subject.ts';
import { type Count, noCount, type Sides, sumOf } from './counts.ts';

/** What a node counted of a service since it started; without a name, of all services. */
export type Counter = (service?: string) => Count;

/**
 * The two sides of a shift as one node sees them. Of a route they are services; of answers and
 * regions they are regions, and what a node counts is of the one side or of the other.
 */
export function measure(
  subject: Subject,
  to: string,
  config: Config,
  ownRegion: string,
  counter: Counter,
): Sides {
  if (subject.kind === 'route') return measureRoute(subject.route, to, config, counter);
  if (subject.kind === 'region') {
    const own = counter();
    return subject.region === ownRegion
      ? { target: own, rest: noCount }
      : { target: noCount, rest: own };
  }
  const regions = regionsOf(subject, to, config);
  const own = counter(weightedSet(subject, config)?.set.service);
  if (regions.target.has(ownRegion)) return { target: own, rest: noCount };
  return { target: noCount, rest: regions.rest.has(ownRegion) ? own : noCount };
}

function measureRoute(route: string, to: string, { routes }: Config, counter: Counter): Sides {
  const services = routes.find(({ name }) => name === route)?.services ?? [];
  const others = new Set(services.map(({ service }) => service).filter((name) => name !== to));
  return { target: counter(to), rest: sumOf([...others].map((name) => counter(name))) };
}

/** Where the answers of a record set lead to; what leads to no region of ours is not counted. */
export function regionsOf(
  subject: { readonly name: string; readonly type: string },
  to: string,
  config: Config,
): { readonly target: ReadonlySet<string>; readonly rest: ReadonlySet<string> } {
  const target = new Set<string>();
  const rest = new Set<string>();
  const found = weightedSet(subject, config);
  for (const answer of found?.set.answers ?? []) {
    const into = nameOfAnswer(answer) === to ? target : rest;
    for (const region of leavesOf(found!.zone, { ...found!.set, answers: [answer] }, config, 0)) {
      into.add(region);
    }
  }
  return { target, rest };
}

/** As deep as trees of record sets may be. */
const mostLevels = 16;

function leavesOf(zone: string, set: RecordSetConfig, config: Config, level: number): string[] {
  if (level > mostLevels) return [];
  if (!set.answers) {
    const serving = Object.entries(config.regions).filter(([, { kind }]) => kind !== 'witness');
    return set.routing === 'latency' ? serving.map(([name]) => name) : [];
  }
  return set.answers.flatMap(({ alias, region }) => {
    if (alias === undefined) return region === undefined ? [] : [region];
    const below = config.zones[zone]?.records.find(
      ({ name, type }) => name === alias && type === set.type,
    );
    return below ? leavesOf(zone, below, config, level + 1) : [];
  });
}
