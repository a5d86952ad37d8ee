import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Canary, canaryValue, parseCanary } from './canary.ts';
import { type Made, Proofs } from './proofs.ts';

/*
 * Two regions, whose logs are followed with any delay, with two nodes each that may be on duty,
 * pause anywhere, and have clocks of any origin and a little too fast or slow.
 */

const regions = ['eu', 'us'] as const;
const nodes = ['eu1', 'eu2', 'us1', 'us2'] as const;
type Region = (typeof regions)[number];
type NodeName = (typeof nodes)[number];

const strict = { noNullPrototype: true };
const node = fc.constantFrom(...nodes);
const wait = fc.oneof({ weight: 9, arbitrary: fc.nat(3_000) }, fc.nat(3_600_000));
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('wait' as const), ms: wait }, strict),
  },
  {
    weight: 4,
    arbitrary: fc.record(
      { type: fc.constant('write' as const), in: fc.constantFrom(...regions) },
      strict,
    ),
  },
  ...(['look', 'read', 'make', 'store', 'carry', 'apply', 'duty'] as const).map((type) => ({
    weight: { look: 6, read: 6, make: 6, store: 6, carry: 7, apply: 7, duty: 2 }[type],
    arbitrary: fc.record({ type: fc.constant(type), by: node }, strict),
  })),
  {
    weight: 1,
    arbitrary: fc.record(
      { type: fc.constant('lose' as const), in: fc.constantFrom(...regions) },
      strict,
    ),
  },
  // All that happens when everything is well, so that something is proved at all.
  { weight: 6, arbitrary: fc.record({ type: fc.constant('round' as const), by: node }, strict) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const clock = fc.record(
  {
    offMs: fc.integer({ min: -600_000, max: 600_000 }),
    rate: fc.double({ min: 1 - 5e-4, max: 1 + 5e-4, noNaN: true }),
  },
  strict,
);

describe('proofs of what is here', () => {
  it('never say more than is true, whatever is late, lost, paused or set wrong', () => {
    let proved = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 30, maxLength: 150 }),
        fc.array(clock, { minLength: 4, maxLength: 4 }),
        (steps, clocks) => {
          const world = new World(clocks);
          world.settle(6);
          for (const one of steps) {
            world.take(one);
            proved += world.check();
          }
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(proved > 1_000, `${proved} proofs`);
  });

  it('allow for a clock that is too fast where a canary is held for an hour', () => {
    const world = new World(
      nodes.map((name) => ({ offMs: 0, rate: name === 'us1' ? 1 + 5e-4 : 1 })),
    );
    world.settle(6);
    world.take({ type: 'wait', ms: 3_600_000 });
    for (const type of ['look', 'read', 'make', 'store'] as const) world.take({ type, by: 'us1' });
    world.take({ type: 'wait', ms: 100 });
    world.take({ type: 'write', in: 'us' });
    world.take({ type: 'wait', ms: 5_000 });
    for (const type of ['carry', 'apply'] as const) world.take({ type, by: 'eu1' });
    assert.ok(world.check() > 0);
  });

  it('are to be had by nodes on duty and by others, and are hardly older than the way there and back', () => {
    const world = new World(nodes.map(() => ({ offMs: 0, rate: 1 })));
    world.settle(20);
    for (const by of nodes) {
      const ageMs = world.ageMs(by);
      assert.ok(ageMs !== undefined && ageMs < 4_000, `${by}: ${ageMs} ms`);
    }
  });
});

interface Stored {
  readonly sequence: number;
  readonly canary?: Canary;
  /** Of a write, when it was acknowledged: before that nobody may rely on it. */
  readonly ackedAtMs?: number;
}

class Log {
  epoch = '1';
  entries: Stored[] = [];
  sequence = 0;

  append(entry: Omit<Stored, 'sequence'>): number {
    this.entries.push({ sequence: ++this.sequence, ...entry });
    return this.sequence;
  }

  get newest(): Stored | undefined {
    return this.entries.findLast(({ canary }) => canary);
  }
}

class Node {
  readonly region: Region;
  readonly other: Region;
  readonly proofs: Proofs;
  readonly #clock: { readonly offMs: number; readonly rate: number };
  look: { readonly atMs: number; readonly found?: Stored | undefined } | undefined;
  /** What was read at last. */
  seen: Stored | undefined;
  made: { readonly what: Made; readonly after: number } | undefined;
  onDuty = false;
  /** Of the other log: what was taken, and what of that has yet to be copied. */
  position = 0;
  coming: Stored[] = [];

  constructor(name: NodeName, clockOf: { readonly offMs: number; readonly rate: number }) {
    this.region = name.slice(0, 2) as Region;
    this.other = this.region === 'eu' ? 'us' : 'eu';
    this.#clock = clockOf;
    this.proofs = new Proofs({ region: this.region, others: [this.other], node: name });
    this.proofs.epochIs('1');
  }

  nowMs(trueMs: number): number {
    return this.#clock.offMs + trueMs * this.#clock.rate;
  }

  trueMs(ownMs: number): number {
    return (ownMs - this.#clock.offMs) / this.#clock.rate;
  }

  changeDuty(): void {
    this.onDuty = !this.onDuty;
    this.position = 0;
    this.coming = [];
    if (this.onDuty) this.proofs.startDuty();
    else this.proofs.endDuty();
  }
}

class World {
  readonly #logs = { eu: new Log(), us: new Log() };
  /** Sequences of the other region's writes that are in a region's log. */
  readonly #copied = { eu: new Set<number>(), us: new Set<number>() };
  readonly #nodes: Map<NodeName, Node>;
  #nowMs = 0;
  #ids = 0;

  constructor(clocks: readonly { readonly offMs: number; readonly rate: number }[]) {
    this.#nodes = new Map(nodes.map((name, at) => [name, new Node(name, clocks[at]!)]));
  }

  /** One node of each region is on duty, and all is well. */
  settle(rounds: number): void {
    for (const by of ['eu1', 'us1'] as const) this.take({ type: 'duty', by });
    for (let n = 0; n < rounds; n++) {
      for (const region of regions) this.take({ type: 'write', in: region });
      for (const by of nodes) {
        this.take({ type: 'round', by });
        this.take({ type: 'wait', ms: 250 });
      }
    }
  }

  take(one: Step): void {
    if (one.type === 'wait') this.#nowMs += one.ms;
    else if (one.type === 'write') this.#logs[one.in].append({ ackedAtMs: this.#nowMs });
    else if (one.type === 'lose') this.#lose(one.in);
    else if (one.type === 'round') this.#round(this.#nodes.get(one.by)!);
    else this.#act(one.type, this.#nodes.get(one.by)!);
  }

  /** @returns how many proofs there were to check. */
  check(): number {
    let proofs = 0;
    for (const [name, { region, other, proofs: of, trueMs }] of this.#entries()) {
      const throughMs = of.throughMs(other);
      if (throughMs === undefined) continue;
      proofs++;
      const untilMs = trueMs(throughMs);
      assert.ok(untilMs <= this.#nowMs + 1e-3, `${name} knows the future`);
      for (const { sequence, ackedAtMs } of this.#logs[other].entries) {
        if (ackedAtMs === undefined || ackedAtMs >= untilMs - 1e-3) continue;
        const text = `${name} has all until ${untilMs}, but not what was acknowledged at ${ackedAtMs}`;
        assert.ok(this.#copied[region].has(sequence), text);
      }
    }
    return proofs;
  }

  ageMs(name: NodeName): number | undefined {
    const of = this.#nodes.get(name)!;
    return of.proofs.agesMs(of.nowMs(this.#nowMs)).get(of.other);
  }

  *#entries() {
    for (const [name, of] of this.#nodes) {
      const trueMs = (ms: number) => of.trueMs(ms);
      yield [name, { region: of.region, other: of.other, proofs: of.proofs, trueMs }] as const;
    }
  }

  #round(of: Node): void {
    for (const type of ['carry', 'apply', 'look', 'read'] as const) this.#act(type, of);
    if (of.onDuty) for (const type of ['make', 'store'] as const) this.#act(type, of);
  }

  #act(type: Exclude<Step['type'], 'wait' | 'write' | 'lose' | 'round'>, of: Node): void {
    const log = this.#logs[of.region];
    const nowMs = of.nowMs(this.#nowMs);
    if (type === 'duty') of.changeDuty();
    else if (type === 'look') of.look = { atMs: nowMs, found: log.newest };
    else if (type === 'read') this.#read(of, nowMs);
    else if (type === 'make') this.#make(of, nowMs);
    else if (type === 'store') this.#store(of, nowMs);
    else if (of.onDuty && type === 'carry') this.#carry(of, nowMs);
    else if (of.onDuty) this.#apply(of, nowMs);
  }

  /** The answer to a look comes; what it found was the newest at some moment in between. */
  #read(of: Node, nowMs: number): void {
    if (!of.look) return;
    const { atMs, found } = of.look;
    of.look = undefined;
    of.seen = found;
    of.proofs.read(found?.sequence ?? 0, found?.canary, atMs, nowMs);
  }

  #make(of: Node, nowMs: number): void {
    const { epoch } = this.#logs[of.region];
    const after = of.seen?.sequence ?? 0;
    const place = { number: (of.seen?.canary?.number ?? 0) + 1, epoch };
    of.made = { what: of.proofs.make(place, after, `${++this.#ids}`, nowMs), after };
  }

  /** A compare-and-set; the canary goes as it would over the wire. */
  #store(of: Node, nowMs: number): void {
    const log = this.#logs[of.region];
    if (!of.made || (log.newest?.sequence ?? 0) !== of.made.after) return;
    const { what } = of.made;
    of.made = undefined;
    const value = canaryValue(what.canary);
    const message = { subject: '', head: '', value, sequence: 0, storedAtMs: 0 };
    const sequence = log.append({ canary: parseCanary(message)! });
    of.seen = log.newest;
    of.proofs.stored(what, sequence, nowMs);
  }

  #carry(of: Node, nowMs: number): void {
    const { entries } = this.#logs[of.other];
    for (const one of entries.filter(({ sequence }) => sequence > of.position).slice(0, 3)) {
      of.position = one.sequence;
      of.coming.push(one);
      if (one.canary) of.proofs.heard(of.other, one.canary, nowMs);
    }
  }

  #apply(of: Node, nowMs: number): void {
    for (const one of of.coming.splice(0, 2)) {
      this.#copied[of.region].add(one.sequence);
      if (one.canary) of.proofs.complete(of.other, one.canary, nowMs);
    }
  }

  /** A region's log is made anew, with nothing in it; its own writes are not spoken of here. */
  #lose(region: Region): void {
    const log = this.#logs[region];
    log.epoch = `${Number(log.epoch) + 1}`;
    log.entries = [];
    this.#copied[region].clear();
    for (const [name, of] of this.#nodes) {
      // The other region begins anew with the log, and keeps what it copied.
      of.position = of.region === region ? 0 : log.sequence;
      of.coming = [];
      if (!name.startsWith(region)) continue;
      of.look = undefined;
      of.made = undefined;
      of.seen = undefined;
      of.proofs.epochIs(log.epoch);
    }
  }
}
