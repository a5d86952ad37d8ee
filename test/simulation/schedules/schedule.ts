import { between, pick, seededRandom } from '../seeded-random.ts';

/**
 * What happens to a deployment, one step after the other. Plain data: a run depends on
 * nothing else, so that one that fails can be made smaller and be replayed.
 */
export interface Schedule {
  readonly seed: number;
  readonly profile: Profile;
  /** `w…` is a witness. */
  readonly regions: readonly string[];
  readonly nodesPerRegion: number;
  readonly steps: readonly Step[];
}

/**
 *   harmless   one vantage at a time dark, lossy, paused, off in its clock or restarted: no
 *              state changes anywhere
 *   lulls      faults that stand for a while: every node comes to hold what the rules say
 *   anything   all faults at once
 */
export type Profile = 'harmless' | 'lulls' | 'anything';

export interface Step {
  readonly fault: Fault;
  /** Until the next step. */
  readonly thenMs: number;
}

/** Nodes by their names in the world. */
export type Fault =
  | { readonly kind: OfNode; readonly node: string }
  | { readonly kind: 'start'; readonly node: string; readonly fromNothing: boolean }
  | { readonly kind: 'restart'; readonly node: string; readonly downMs: number }
  | { readonly kind: 'jump'; readonly node: string; readonly byMs: number }
  | { readonly kind: 'loss'; readonly node: string; readonly share: number }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly oneWay: boolean }
  | { readonly kind: 'isolate'; readonly region: string }
  | { readonly kind: 'frames'; readonly lost: number; readonly late: number }
  | { readonly kind: 'outside'; readonly alive: boolean }
  /** A node sends in the name of another region that all is down. */
  | { readonly kind: 'forge'; readonly node: string; readonly as: string }
  | { readonly kind: 'heal' }
  /** Long enough for what stands to be known, and for it to be compared with the rules. */
  | { readonly kind: 'lull' };

type OfNode = (typeof faultsOfNode)[number];

const faultsOfNode = [
  'kill',
  'freeze',
  'sleep',
  'pause',
  'resume',
  'drain',
  'undrain',
  'loseService',
  'findService',
  'unpublish',
  'publish',
] as const;

const withQuorum = ['abc', 'abw', 'abcd', 'abcw', 'abcde', 'abcdw'];
const profiles: readonly Profile[] = ['harmless', 'lulls', 'lulls', 'anything', 'anything'];
/** A vantage that suffers by itself is well again after this long. */
const settledMs = 12_000;

export function generateSchedule(seed: number): Schedule {
  const random = seededRandom(seed ^ 0x5c4ed);
  const profile = pick(random, profiles);
  const letters = pick(random, profile === 'harmless' ? withQuorum : ['ab', 'ab', ...withQuorum]);
  const regions = [...letters];
  // What the rules say is known for regions of one node.
  const several = profile === 'anything' && regions.length <= 3 && random() < 0.4;
  const nodesPerRegion = several ? pick(random, [2, 2, 3]) : 1;
  const nodes = regions.flatMap((region) => namesIn(region, nodesPerRegion));
  const draw = new Draw(random, regions, nodes);
  const steps = { harmless: harmlessSteps, lulls: lullSteps, anything: anySteps }[profile](draw);
  return { seed, profile, regions, nodesPerRegion, steps };
}

/** One line for each step. */
export function describeSchedule({
  seed,
  profile,
  regions,
  nodesPerRegion,
  steps,
}: Schedule): string {
  const lines = steps.map(({ fault: { kind, ...of }, thenMs }) => {
    const details = Object.entries(of).map(([name, value]) => `${name} ${value}`);
    return `  ${[kind, ...details].join(', ')}; then ${Math.round(thenMs)} ms`;
  });
  const where = `regions ${regions.join(' ')}, ${nodesPerRegion} nodes each`;
  return [`seed ${seed}, ${profile}: ${where}, ${steps.length} steps`, ...lines].join('\n');
}

function namesIn(region: string, count: number): string[] {
  if (region.startsWith('w') || count === 1) return [region];
  return Array.from({ length: count }, (_, n) => `${region}.n${n + 1}`);
}

/** Everything that is drawn for one schedule. */
class Draw {
  readonly random: () => number;
  readonly regions: readonly string[];
  readonly nodes: readonly string[];

  constructor(random: () => number, regions: readonly string[], nodes: readonly string[]) {
    this.random = random;
    this.regions = regions;
    this.nodes = nodes;
  }

  node(): string {
    return pick(this.random, this.nodes);
  }

  ms(low: number, high: number): number {
    return Math.round(between(this.random, low, high));
  }

  /** One fault of any kind. */
  fault(): Fault {
    const { random } = this;
    const node = this.node();
    const kind = pick(random, [
      ...[...faultsOfNode, 'freeze', 'resume', 'resume', 'publish', 'findService'],
      ...['start', 'start', 'start', 'restart', 'restart', 'jump', 'loss', 'loss', 'cut', 'cut'],
      ...['isolate', 'frames', 'outside', 'forge', 'heal', 'heal'],
    ] as readonly Fault['kind'][]);
    switch (kind) {
      case 'start':
        return { kind, node, fromNothing: random() < 0.3 };
      case 'restart':
        return { kind, node, downMs: this.ms(50, 3_000) };
      case 'jump':
        return { kind, node, byMs: this.ms(-600_000, 600_000) };
      case 'loss':
        return { kind, node, share: pick(random, [1, 0.05, 0.2, random()]) };
      case 'cut':
        return { kind, from: node, to: this.node(), oneWay: random() < 0.5 };
      case 'isolate':
        return { kind, region: pick(random, this.regions) };
      case 'frames':
        return { kind, lost: random() / 2, late: random() < 0.5 ? random() : 0 };
      case 'outside':
        return { kind, alive: random() < 0.5 };
      case 'forge':
        return { kind, node, as: pick(random, this.regions) };
      case 'heal':
      case 'lull':
        return { kind };
      default:
        return { kind, node };
    }
  }
}

/** Faults that do harm only together, in this order. */
function motif(draw: Draw): Step[] {
  const node = draw.node();
  const other = draw.node();
  const does = (fault: Fault, thenMs: number): Step => ({ fault, thenMs });
  switch (pick(draw.random, ['reborn', 'leaving', 'old news', 'old news', 'flapping'])) {
    case 'reborn':
      return [
        does({ kind: 'kill', node }, draw.ms(0, 1_000)),
        does({ kind: 'jump', node, byMs: draw.ms(-600_000, -60_000) }, 0),
        does({ kind: 'start', node, fromNothing: true }, draw.ms(0, 3_000)),
      ];
    case 'leaving':
      return [
        does({ kind: 'frames', lost: 0, late: 0.5 }, 0),
        does({ kind: 'drain', node }, 3_000),
        does({ kind: 'restart', node, downMs: draw.ms(50, 800) }, 10_000),
      ];
    case 'old news':
      return [
        does({ kind: 'kill', node }, 6_000),
        does({ kind: pick(draw.random, ['pause', 'sleep']), node: other }, draw.ms(500, 6_000)),
        does({ kind: 'start', node, fromNothing: false }, draw.ms(25_000, 35_000)),
        does({ kind: 'resume', node: other }, 5_000),
      ];
    default:
      return Array.from({ length: draw.ms(2, 8) }, (_, at) =>
        does({ kind: at % 2 ? 'findService' : 'loseService', node }, draw.ms(200, 4_000)),
      );
  }
}

function anySteps(draw: Draw): Step[] {
  const some = (count: number): Step[] =>
    Array.from({ length: count }, () => ({
      fault: draw.fault(),
      thenMs: draw.ms(0, draw.random() < 0.2 ? 15_000 : 2_500),
    }));
  if (draw.random() < 0.5) return some(draw.ms(8, 25));
  return [...some(draw.ms(0, 4)), ...motif(draw), ...some(draw.ms(0, 4))];
}

/** Some faults, then time; what is left to chance for ever ends before that. */
function lullSteps(draw: Draw): Step[] {
  return Array.from({ length: draw.ms(1, 3) }, () => {
    const faults = Array.from({ length: draw.ms(1, 6) }, () => ({
      fault: draw.fault(),
      thenMs: draw.ms(0, 1_500),
    }));
    const some = draw.random() < 0.2 ? motif(draw) : faults;
    return [...some, { fault: { kind: 'lull' } as const, thenMs: 0 }];
  }).flat();
}

function harmlessSteps(draw: Draw): Step[] {
  const one = (): Step[] => {
    const node = draw.node();
    const during = draw.ms(500, 10_000);
    const end: Step = { fault: { kind: 'heal' }, thenMs: settledMs };
    switch (pick(draw.random, ['dark', 'lossy', 'paused', 'stutter', 'clock', 'restart'])) {
      case 'dark':
        return [{ fault: { kind: 'loss', node, share: 1 }, thenMs: during }, end];
      case 'lossy':
        return [{ fault: { kind: 'loss', node, share: 0.2 }, thenMs: during }, end];
      case 'paused':
        return [
          { fault: { kind: 'pause', node }, thenMs: draw.ms(100, 5_000) },
          { fault: { kind: 'resume', node }, thenMs: settledMs },
        ];
      case 'stutter':
        return [...stutter(draw, node), { fault: { kind: 'heal' }, thenMs: settledMs }];
      case 'clock':
        return [
          { fault: { kind: 'jump', node, byMs: draw.ms(-600_000, 600_000) }, thenMs: settledMs },
        ];
      default:
        return [{ fault: { kind: 'restart', node, downMs: draw.ms(50, 800) }, thenMs: settledMs }];
    }
  };
  return Array.from({ length: draw.ms(2, 6) }, one).flat();
}

/** Pauses too close together to finish a probe. */
function stutter(draw: Draw, node: string): Step[] {
  return Array.from({ length: 2 * draw.ms(2, 5) }, (_, at) =>
    at % 2 === 0
      ? { fault: { kind: 'pause', node }, thenMs: draw.ms(600, 2_500) }
      : { fault: { kind: 'resume', node }, thenMs: draw.ms(0, 300) },
  );
}
