import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acknowledgementOf, changeTo } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { headKey } from './head.ts';
import { Revisions } from './revisions.ts';

const torn = Buffer.from('{"version":1,"curr');

async function world() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const revisions = new Revisions(store, clock);
  const first = await revisions.apply(changeTo('1', undefined));
  const { head } = (await revisions.head())!;
  return { revisions, first, head, config: store.bucket('config') };
}

test('a torn head blocks changes until one that was seen is given back', async () => {
  const { revisions, first, head, config } = await world();
  await config.put(headKey, torn);
  const next = changeTo('2', first);
  await assert.rejects(revisions.apply(next), { code: 'revision_damaged' });
  assert.equal(await revisions.mend(head), true);
  assert.deepEqual((await revisions.head())!.head, head);
  assert.equal((await revisions.apply(next)).sequence, 2);
});

test('not one that a later revision has followed, as a node has told', async () => {
  const { revisions, head, config } = await world();
  await config.put(headKey, torn);
  await revisions.acknowledge(acknowledgementOf('east', 2));
  assert.equal(await revisions.mend(head), false);
  await revisions.acknowledge(acknowledgementOf('east', 1));
  assert.equal(await revisions.mend(head), true);
});

test('nothing takes the place of what is whole, or of what a newer version may have written', async () => {
  const { revisions, first, head, config } = await world();
  await revisions.apply(changeTo('2', first));
  assert.equal(await revisions.mend(head), false);
  await config.put(headKey, Buffer.from('{"version":2}'));
  assert.equal(await revisions.mend(head), false);
});
