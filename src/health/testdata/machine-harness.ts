import { configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import type { Verdict } from '../hysteresis.ts';
import { HealthMachine } from '../machine.ts';
import { type HealthPlan, planHealth } from '../plan.ts';
import type { HealthChange } from '../status.ts';
import type { Vector } from '../vector.ts';

const location = { latitude: 0, longitude: 0 };

export function planOf(
  regions: string,
  own: string,
  services: object = {},
  checks: object = {},
  health: object = {},
) {
  const config = configSchema.parse({
    regions: Object.fromEntries(
      regions.split(' ').map((name, i) => [name, { address: `10.0.0.${i + 1}`, location }]),
    ),
    services,
    checks,
    health,
  });
  return planHealth(config, compileTopology(config), own, 'n1');
}

/** Regions a, b, … with nodes n1, n2, … each: n2 of b has the address 10.0.2.2. */
export function planOfNodes(counts: readonly number[], own = 'a', node = 'n1') {
  const regions = counts.map((count, r) => {
    const address = (n: number) => `10.0.${r + 1}.${n}`;
    const names = Array.from({ length: count }, (_, n) => n + 1);
    const nodes = Object.fromEntries(names.map((n) => [`n${n}`, { address: address(n) }]));
    return ['abcdefgh'[r], { address: address(1), nodes, location }];
  });
  const config = configSchema.parse({ regions: Object.fromEntries(regions) });
  return planHealth(config, compileTopology(config), own, node);
}

export const rates = { rates: { endpoints: { a: ['10.1.0.1:80'], b: ['10.2.0.1:80'] } } };

/** A machine of region `own` with steady time: 100 ms pass with every tick. */
export class Harness {
  readonly machine: HealthMachine;
  readonly log: string[] = [];
  nowMs = 0;
  wallMs = 1_700_000_000_000;
  #sequence = 0;

  constructor(
    regions: string | HealthPlan = 'a b c',
    own = 'a',
    services: object = rates,
    graceMs = 0,
  ) {
    const plan = typeof regions === 'string' ? planOf(regions, own, services) : regions;
    this.machine = new HealthMachine({ plan, node: 'n1', incarnation: 5, atMs: 0, graceMs });
  }

  note(changes: readonly HealthChange[]): void {
    for (const change of changes) {
      this.log.push(
        change.kind === 'state'
          ? `${change.subject.key} ${change.state}`
          : `${change.region}${change.kind === 'draining' ? '' : `.${change.node}`} draining ${change.draining}`,
      );
    }
  }

  /** Log since the last call. */
  news(): string[] {
    return this.log.splice(0);
  }

  ticks(count: number): this {
    for (let i = 0; i < count; i++) {
      this.nowMs += 100;
      this.wallMs += 100;
      this.note(this.machine.tick(this.nowMs, this.wallMs));
    }
    return this;
  }

  /** Results of the probe of `10.x.…`: one per character, `+`, `-` or `?`. */
  probe(host: string, results: string, startedMs = this.nowMs): this {
    const target = this.target(host);
    for (const result of results) {
      const ok = result === '?' ? undefined : result === '+';
      const detail = ok === undefined ? 'no value' : ok ? 'status 200' : 'connection refused';
      this.note(this.machine.probed({ target, ok, detail, startedMs, atMs: this.nowMs }));
    }
    return this;
  }

  target(host: string): string {
    for (const { subject } of this.machine.states()) {
      for (const { target } of subject.watched) {
        if (target.startsWith(`["${host}"`)) return target;
      }
    }
    throw new Error(`nothing probes ${host}`);
  }

  hear(
    region: string,
    verdicts: Record<string, Verdict>,
    fields: Partial<Vector> = {},
    from = region,
  ): this {
    const vector: Vector = {
      kind: 'verdicts',
      version: 1,
      scope: 'region',
      region,
      node: 'n1',
      incarnation: 1,
      sequence: ++this.#sequence,
      draining: false,
      drainingNodes: [],
      verdicts: new Map(Object.entries(verdicts)),
      ...fields,
    };
    this.note(this.machine.received(from, vector, this.nowMs));
    return this;
  }

  state(key: string): string | undefined {
    return this.#status(key)?.state;
  }

  reason(key: string): string | undefined {
    return this.#status(key)?.reason;
  }

  /** Also by the name of a check: `check/web`. */
  #status(key: string) {
    return this.machine
      .states()
      .find(({ subject }) => subject.key === key || `check/${subject.check?.name}` === key);
  }
}

/** All know all to be up, as after a while of calm. */
export function calm(): Harness {
  const h = new Harness().ticks(1);
  const up = { 'gateway/a': 'up', 'gateway/b': 'up', 'gateway/c': 'up' } as const;
  h.hear('b', { ...up, 'service/rates/b': 'up' }).hear('c', up);
  for (const host of ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.1.0.1']) h.probe(host, '+++');
  h.news();
  return h;
}
