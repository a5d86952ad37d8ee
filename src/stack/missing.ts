import type { StateName } from '../health/table.ts';
import type { ProcessSpec } from './processes/stack-process.ts';

/** One thing that one node (`observer`) misses. `region`: whose node, gateway or service it is. */
export type Missing = {
  readonly observer: Observer;
  readonly region: string;
  /** A sentence, or nothing. */
  readonly why: string;
} & (
  | { readonly kind: 'store' }
  /** What a change of the configuration or of the traffic needs, but no request. */
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'node'; readonly node: string | undefined }
  | { readonly kind: 'gateway'; readonly node: string | undefined; readonly state: StateName }
  | { readonly kind: 'service'; readonly state: StateName; readonly service: string }
);

/** A node by its title for people, `eu-west-1/a`, and its region. */
export interface Observer {
  readonly title: string;
  readonly region: string;
}

/** All that has one cause. */
export interface Cause {
  /** For people: what is missing, where, and why. */
  readonly sentence: string;
  /** Whether the log of a process may say more. */
  concerns(spec: ProcessSpec): boolean;
}

/**
 * Gathers what every node misses under its causes. Of a service the view of its own region
 * counts, which alone probes it; the others only repeat it.
 */
export function causesOf(missing: readonly Missing[]): Cause[] {
  return [...Map.groupBy(missing, keyOf).values()].map((members) => {
    const [first] = members as [Missing, ...Missing[]];
    const regions = new Set(members.map(({ region }) => region));
    return {
      sentence: sentenceOf(first, members),
      concerns: (spec) => regions.has(spec.region) && isOf(first, spec),
    };
  });
}

function keyOf(missing: Missing): string {
  switch (missing.kind) {
    case 'service':
      return `service ${missing.service}`;
    case 'gateway':
      return `gateway ${titleOf(missing)} ${missing.state}`;
    case 'node':
      return `node ${titleOf(missing)}`;
    case 'store':
      return 'store';
    case 'unsettled':
      return `unsettled ${missing.why}`;
  }
}

function sentenceOf(first: Missing, members: readonly Missing[]): string {
  const observers = listed(members.map(({ observer }) => observer.title));
  switch (first.kind) {
    case 'node':
      return `the node of ${titleOf(first)}: ${first.why}`;
    case 'store':
      return `the store is out of reach of ${observers}${reason(first.why)}`;
    case 'unsettled':
      return `${first.why} (seen by ${observers})`;
    case 'gateway':
      return `the gateway of ${titleOf(first)} is ${first.state} to ${observers}${reason(first.why)}`;
    case 'service':
      return `service ${first.service}: ${serviceIn(members).join('; ')}`;
  }
}

function serviceIn(members: readonly Missing[]): string[] {
  return [...Map.groupBy(members, ({ region }) => region)].map(([region, seen]) => {
    const own = seen.find(({ observer }) => observer.region === region);
    const shown = own ?? seen[0]!;
    const state = 'state' in shown ? shown.state : '';
    const to = own ? '' : ` to ${listed(seen.map(({ observer }) => observer.title))}`;
    return `${state} in ${region}${to}${reason(shown.why)}`;
  });
}

function isOf(missing: Missing, { kind, service, node }: ProcessSpec): boolean {
  if (missing.kind === 'service') return kind === 'service' && service === missing.service;
  if (missing.kind === 'store' || missing.kind === 'unsettled')
    return kind === 'hub' || kind === 'leaf';
  return kind === 'node' && (missing.node === undefined || node === missing.node);
}

function titleOf({ region, node }: { region: string; node: string | undefined }): string {
  return node === undefined ? region : `${region}/${node}`;
}

function reason(why: string): string {
  return why === '' ? '' : ` (${why})`;
}

function listed(names: readonly string[]): string {
  return [...new Set(names)].join(', ');
}
