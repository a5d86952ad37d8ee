import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AsyncPlace } from '../../../test/support/async-place.ts';
import type { LogMessage } from '../../store/regional-log.ts';

const regions = ['ap', 'eu', 'us'] as const;
type Region = (typeof regions)[number];

/** Each region has two: one that copies and writes, one that writes. */
const nodes = ['copier', 'other'] as const;
type Node = (typeof nodes)[number];

type Step =
  | {
      readonly type: 'write';
      readonly in: Region;
      readonly key: string;
      readonly deletes: boolean;
      readonly by: Node;
    }
  | { readonly type: 'copy'; readonly from: Region; readonly to: Region; readonly which: number }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'jump'; readonly in: Region; readonly ms: number };

const region = fc.constantFrom(...regions);
const key = fc.constantFrom('a', 'b.c');
const strict = { noNullPrototype: true };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record(
      {
        type: fc.constant('write' as const),
        in: region,
        key,
        deletes: fc.boolean(),
        by: fc.constantFrom(...nodes),
      },
      strict,
    ),
  },
  {
    weight: 6,
    arbitrary: fc.record(
      { type: fc.constant('copy' as const), from: region, to: region, which: fc.nat() },
      strict,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(90_000) }, strict),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        type: fc.constant('jump' as const),
        in: region,
        ms: fc.integer({ min: -600_000, max: 600_000 }),
      },
      strict,
    ),
  },
);

describe('async buckets of three regions', () => {
  it('come to the same, and report just the writes that lost, for every order of copying', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new World();
        try {
          for (const one of steps) await world.take(one);
          await world.copyAll();
          await world.check();
        } finally {
          await world.close();
        }
      }),
      { numRuns: 100 },
    );
  });

  it('come to the same without one that is lost, whichever of them had what it wrote, and with it when it is back, empty', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), region, async (steps, lost) => {
        const world = new World();
        try {
          for (const one of steps) await world.take(one);
          world.lose(lost);
          await world.copyAll();
          await world.exchange(lost);
          await world.check();
          await world.findAnew(lost);
          await world.check();
        } finally {
          await world.close();
        }
      }),
      { numRuns: 100 },
    );
  });

  it('what one of two had alone is in both, its tombstones too', async () => {
    const world = new World();
    try {
      const write = { type: 'write', in: 'us', by: 'copier', deletes: false } as const;
      const copy = { type: 'copy', from: 'us' } as const;
      for (const name of ['a', 'b.c']) await world.take({ ...write, key: name });
      await world.take({ ...copy, to: 'ap', which: 0 });
      await world.take({ ...write, key: 'a', deletes: true });
      for (const which of [2, 3]) await world.take({ ...copy, to: 'eu', which });
      world.lose('us');
      await world.copyAll();
      await assert.rejects(world.check(), 'they differ');
      await world.exchange('us');
      await world.check();
    } finally {
      await world.close();
    }
  });
});

/** A write as the model has it: all that its region knew is listed, not summed up. */
interface ModelWrite {
  readonly key: string;
  readonly region: Region;
  readonly version: string;
  readonly deleted: boolean;
  readonly knew: ReadonlySet<string>;
}

/** What a region has seen of a key, in the order in which it came. */
class ModelKey {
  readonly known = new Set<string>();
  readonly lost: string[] = [];
  counts: ModelWrite | undefined;

  come(write: ModelWrite, here: Region): void {
    if (this.known.has(write.version)) return;
    const { counts } = this;
    for (const version of [write.version, ...write.knew]) this.known.add(version);
    if (counts && counts.version > write.version) return;
    const hadSeen = counts && write.knew.has(counts.version);
    if (counts && counts.region === here && !hadSeen) this.lost.push(counts.version);
    this.counts = write;
  }
}

class World {
  readonly #places = new Map(regions.map((name) => [name, new Place(name)]));
  readonly #writes = new Map<string, ModelWrite>();
  #left: readonly Region[] = regions;

  lose(lost: Region): void {
    this.#left = regions.filter((name) => name !== lost);
  }

  /** With an empty disk: it follows from the start all that one of the others has. */
  async findAnew(lost: Region): Promise<void> {
    const [from] = this.#left;
    await this.#places.get(lost)!.close();
    this.#places.set(lost, new Place(lost));
    this.#left = regions;
    for (const message of await this.#places.get(from!)!.log.lastOfEach('*.k.>')) {
      await this.#bring(message, lost);
    }
  }

  async take(step: Step): Promise<void> {
    if (step.type === 'wait') for (const { clock } of this.#places.values()) clock.advance(step.ms);
    else if (step.type === 'jump') this.#places.get(step.in)!.jump(step.ms);
    else if (step.type === 'write') await this.#write(step);
    else if (step.from !== step.to) await this.#copy(step.from, step.to, step.which);
  }

  /** Each region gets what each other wrote last to every key. */
  async copyAll(): Promise<void> {
    for (const [from, to] of this.#pairs()) {
      for (const message of await this.#places.get(from)!.written()) await this.#bring(message, to);
    }
  }

  /** Each region gets what each other has of a lost one, where the heads tell that it lacks it. */
  async exchange(lost: Region): Promise<void> {
    for (const [from, to] of this.#pairs()) {
      const { copier } = this.#places.get(to)!;
      for (const message of await this.#places.get(from)!.log.lastOfEach(`${lost}.k.>`)) {
        const head = { ...message, value: new Uint8Array(0) };
        if (!(await copier.lacks(head))) continue;
        await this.#bring(message, to);
        assert.equal(await copier.lacks(head), false);
      }
    }
  }

  async check(): Promise<void> {
    const places = this.#left.map((name) => this.#places.get(name)!);
    for (const place of places) {
      const first = places[0]!;
      const lost = await place.bucket.lostWrites({ limit: 1000 });
      const expected = [...place.model].flatMap(([name, { lost: versions }]) =>
        versions.map((version) => `${name} ${version}`),
      );
      const reported = lost.writes.map(({ key: name, version }) => `${name} ${version}`);
      assert.deepEqual(reported.sort(), expected.sort(), `lost in ${place.region}`);
      assert.equal(place.bucket.status().lost, expected.length);
      for (const name of ['a', 'b.c']) {
        const { entry } = await place.bucket.get(name);
        const counts = place.model.get(name)?.counts;
        assert.equal(entry?.version, counts?.deleted ? undefined : counts?.version, place.region);
        assert.deepEqual(entry, (await first.bucket.get(name)).entry);
      }
      for (const { key: name, version, value, deleted } of lost.writes) {
        assert.equal(deleted, this.#writes.get(`${name} ${version}`)!.deleted);
        assert.equal(Buffer.from(value).toString(), deleted ? '' : name);
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.close()));
  }

  async #write({ in: where, key: name, deletes, by }: Step & { type: 'write' }): Promise<void> {
    const place = this.#places.get(where)!;
    const model = place.modelOf(name);
    const knew = new Set(model.known);
    const value = deletes ? undefined : Buffer.from(name);
    if (by === 'copier') await place.writer.write({ key: name, value, condition: undefined });
    else if (value) await place.bucket.put(name, value);
    else await place.bucket.delete(name);
    const version = await place.lastVersion(name);
    // Nothing was there to delete.
    if (version === undefined || this.#writes.has(`${name} ${version}`)) return;
    const write = { key: name, region: where, version, deleted: deletes, knew };
    this.#writes.set(`${name} ${version}`, write);
    assert.ok(
      [...knew].every((earlier) => earlier < version),
      'a write is beyond all it knew',
    );
    model.come(write, where);
  }

  *#pairs(): Iterable<readonly [from: Region, to: Region]> {
    for (const from of this.#left) {
      for (const to of this.#left) if (from !== to) yield [from, to];
    }
  }

  /** Any message that the region ever had, of whichever wrote it, so that old ones come late and twice. */
  async #copy(from: Region, to: Region, which: number): Promise<void> {
    const place = this.#places.get(from)!;
    place.sent.push(...(await place.log.lastOfEach('*.k.>')));
    const sent = place.sent.filter(({ subject }) => !subject.startsWith(`${to}.`));
    const message = sent[which % Math.max(1, sent.length)];
    if (message) await this.#bring(message, to);
  }

  async #bring(message: LogMessage, to: Region): Promise<void> {
    const place = this.#places.get(to)!;
    assert.equal(await place.copier.copy(message), 'done');
    const version = message.head.split(' ')[1]!;
    const name = message.subject.slice(message.subject.indexOf('.k.') + '.k.'.length);
    const write = this.#writes.get(`${name} ${version}`)!;
    place.modelOf(name).come(write, to);
  }
}

class Place extends AsyncPlace {
  readonly model = new Map<string, ModelKey>();
  readonly sent: LogMessage[] = [];
  #aheadMs = 0;

  /** Never more than ten minutes from the others. */
  jump(ms: number): void {
    const next = Math.max(-600_000, Math.min(600_000, this.#aheadMs + ms));
    this.clock.jumpWall(next - this.#aheadMs);
    this.#aheadMs = next;
  }

  modelOf(name: string): ModelKey {
    const model = this.model.get(name) ?? new ModelKey();
    this.model.set(name, model);
    return model;
  }

  async lastVersion(name: string): Promise<string | undefined> {
    return (await this.log.last(`${this.region}.k.${name}`))?.head.split(' ')[1];
  }
}
