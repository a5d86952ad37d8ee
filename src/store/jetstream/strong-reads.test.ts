import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MirrorModel, StreamModel, VoterModel } from '../../../test/support/stream-model.ts';
import type { CopiedRecord } from './cached-reads.ts';
import { StrongReads } from './strong-reads.ts';

const keys = ['a', 'b', 'c'];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...keys) },
  { weight: 4, arbitrary: fc.constant('take' as const) },
  { weight: 1, arbitrary: fc.constant('snapshot' as const) },
);

interface World {
  /** Before the read. */
  readonly before: readonly string[];
  /** While it is under way, a part at each of its requests. */
  readonly meanwhile: readonly (readonly string[])[];
}

const worlds = fc.record<World>({
  before: fc.array(step, { maxLength: 20 }),
  meanwhile: fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 6 }),
});

interface Copied {
  of(subject: string): number;
  step(): unknown;
  snapshot?(): void;
}

/** One strong read of all keys, checked. */
async function readIn(
  { before, meanwhile }: World,
  copyOf: (hub: StreamModel) => Copied,
  isAsserted = true,
): Promise<void> {
  const hub = new StreamModel();
  const copy = copyOf(hub);
  const run = (steps: readonly string[]) => {
    for (const name of steps) {
      if (name === 'take') copy.step();
      else if (name === 'snapshot') copy.snapshot?.();
      else hub.append(name);
    }
  };
  const parts = meanwhile.values();
  const goOn = () => {
    const { value } = parts.next();
    if (value) return run(value);
    for (let steps = 0; steps < 2 * hub.last; steps++) copy.step();
  };
  const reads = new StrongReads({
    what: 'read b',
    closing: new AbortController().signal,
    pass: async () => {
      const place = hub.append('barrier');
      goOn();
      return place;
    },
    copyBehind: async (barrier) => {
      goOn();
      if (copy.of('barrier') < barrier) return undefined;
      const found = new Map(
        keys.filter((key) => copy.of(key) > 0).map((key) => [key, recordOf(key, copy.of(key))]),
      );
      return { found, place: copy.of('barrier'), on: undefined };
    },
    absences: {
      has: async (key) => {
        if (!isAsserted) return true;
        goOn();
        return hub.lastOf(key) === 0;
      },
    },
  });
  run(before);
  const confirmed = new Map(keys.map((key) => [key, hub.lastOf(key)]));
  const { found } = await reads.read(keys, performance.now() + 10_000);
  for (const key of keys) {
    const revision = found.get(key)?.revision ?? 0;
    assert.ok(revision >= confirmed.get(key)!, `${key}@${revision}, not @${confirmed.get(key)}`);
  }
}

function recordOf(key: string, revision: number): CopiedRecord {
  const value = new Uint8Array(0);
  return { key, revision, value, deleted: false, writeId: undefined, writtenAtMs: 0 };
}

/** A fault shows in about one world of 250: who looks for one goes on until it does. */
async function finds(
  copyOf: (hub: StreamModel) => Copied,
  numRuns: number,
  isAsserted?: boolean,
): Promise<boolean> {
  const property = fc.asyncProperty(worlds, (world) => readIn(world, copyOf, isAsserted));
  return (await fc.check(property, { numRuns, endOnFailure: true })).failed;
}

it('sees all that was confirmed before, also in a voter that takes a snapshot', async () => {
  assert.equal(await finds((hub) => new VoterModel(hub), 400), false);
});

it('would not in a mirror', async () => {
  assert.equal(await finds((hub) => new MirrorModel(hub), 10_000), true);
});

it('would not by what a voter does not find', async () => {
  assert.equal(await finds((hub) => new VoterModel(hub), 10_000, false), true);
});

it('gives up on no copy that was asked before its time is over: it may be far', async () => {
  const deadlineMs = performance.now() + 10_000;
  const reads = new StrongReads({
    what: 'read b',
    closing: new AbortController().signal,
    pass: async () => 1,
    copyBehind: async (_barrier, _keys, limitMs) => {
      assert.equal(limitMs, deadlineMs);
      return { found: new Map([['a', recordOf('a', 1)]]), place: 1, on: undefined };
    },
    absences: { has: async () => true },
  });
  assert.equal((await reads.read(['a'], deadlineMs)).found.size, 1);
});
