import { createHash } from 'node:crypto';
import type { AnswerConfig } from '../../config/schema/answer.ts';
import type { Config } from '../../config/schema/config.ts';
import type { RecordSetConfig } from '../../config/schema/zone.ts';
import { shareOf } from './weights.ts';

/** What a shift changes the weights of. One thing has at most one shift. */
export type Subject =
  /** The services of a route. */
  | { readonly kind: 'route'; readonly route: string }
  /** The answers of a weighted record set; `name` is whole, without a dot at its end. */
  | { readonly kind: 'record'; readonly name: string; readonly type: string }
  /** Of each client of a region, wherever it is steered to: whether it stays. */
  | { readonly kind: 'region'; readonly region: string };

/** What the configuration says of a subject. */
export interface Weights {
  /** By what an operator calls them; equal names have their weights together. */
  readonly names: readonly string[];
  readonly weights: readonly number[];
  /** Changes with everything here, and with nothing else: whether a revision changed it. */
  readonly basis: string;
}

/** For people, and one for each subject: `route orders`, `record api.example.com A`. */
export function subjectName(subject: Subject): string {
  if (subject.kind === 'route') return `route ${subject.route}`;
  if (subject.kind === 'region') return `region ${subject.region}`;
  return `record ${subject.name} ${subject.type}`;
}

/** `undefined`: the configuration has no such thing, or it has no weights. */
export function weightsOf(subject: Subject, config: Config): Weights | undefined {
  if (subject.kind === 'region') {
    const { kind = 'witness' } = config.regions[subject.region] ?? {};
    if (kind === 'witness') return undefined;
    return { names: [subject.region], weights: [1], basis: 'region' };
  }
  if (subject.kind === 'route') {
    const services = config.routes.find(({ name }) => name === subject.route)?.services;
    return services && weigh(services.map(({ service, weight }) => [service, weight]));
  }
  const answers = weightedSet(subject, config)?.set.answers;
  return answers && weigh(answers.map((answer) => [nameOfAnswer(answer), answer.weight]));
}

/** Indices of what is called so. */
export function targetsOf({ names }: Weights, to: string): ReadonlySet<number> {
  return new Set(names.flatMap((name, index) => (name === to ? [index] : [])));
}

/** The share that is configured, 0 to 1. A region keeps all its clients. */
export function configuredShare(weights: Weights, to: string): number {
  return shareOf(weights.weights, targetsOf(weights, to));
}

export interface FoundRecordSet {
  readonly zone: string;
  readonly set: RecordSetConfig;
}

/** A weighted record set of that whole name and type. */
export function weightedSet(
  { name, type }: { readonly name: string; readonly type: string },
  { zones }: Pick<Config, 'zones'>,
): FoundRecordSet | undefined {
  for (const [zone, { records }] of Object.entries(zones)) {
    if (name !== zone && !name.endsWith(`.${zone}`)) continue;
    const set = records.find((one) => one.type === type && wholeName(one.name, zone) === name);
    if (set?.routing === 'weighted' && set.answers) return { zone, set };
  }
  return undefined;
}

export function wholeName(name: string, zone: string): string {
  return name === '@' ? zone : `${name}.${zone}`;
}

/** The region that it sends to, the record set that it leads to, or what it says. */
export function nameOfAnswer({ alias, region, values }: AnswerConfig): string {
  return alias ?? region ?? values?.join(' ') ?? '';
}

function weigh(entries: readonly (readonly [string, number])[]): Weights {
  return {
    names: entries.map(([name]) => name),
    weights: entries.map(([, weight]) => weight),
    basis: createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16),
  };
}
