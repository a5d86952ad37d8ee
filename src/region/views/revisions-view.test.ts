import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { acceptDocument } from '../../config/document.ts';
import type { RevisionRef } from '../../revisions/revision.ts';
import { Revisions } from '../../revisions/revisions.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { createRevisionsView } from './revisions-view.ts';

function open() {
  const clock = new ManualClock();
  const revisions = new Revisions(new MemoryStore(clock), clock);
  const region = (last: number) => ({
    address: `127.0.0.${last}`,
    location: { latitude: 1, longitude: 2 },
  });
  const documentOf = (ttl: number) => ({
    regions: { east: region(1), west: region(2) },
    store: { engine: 'jetstream', servers: { east: ['nats://a'], west: ['nats://b'] } },
    zones: { 'a.test': { ttl: `${ttl}s`, records: [] } },
  });
  const { config, document } = acceptDocument(documentOf(1), 'test');
  const configuration = { config, document, info: undefined, secrets: {} } as unknown;
  const live = { configuration: configuration as Configuration };
  const view = createRevisionsView({ revisions, live, clock }, () => assert.fail());
  const apply = (ttl: number, base: RevisionRef | undefined, more: object = {}) =>
    view.apply({
      ...{ document: documentOf(ttl), base, author: 'ana', message: '' },
      ...{ rollout: undefined, supersede: false, change: undefined, ...more },
    });
  return { apply };
}

test('a change that was asked for to supersede a rollout does so, and only that', async () => {
  const { apply } = open();
  const bounds = { errorShare: 0.1, readyShare: 1 };
  const rollout = { waves: [['east'], ['west']], pauseMs: 1_000, bounds };
  const second = await apply(2, await apply(1, undefined), { rollout });
  await assert.rejects(apply(3, second), { code: 'rollout_running' });
  assert.equal((await apply(3, second, { supersede: true })).sequence, 3);
});

test('a change that is sent again by its name finds its own revision', async () => {
  const { apply } = open();
  const base = await apply(1, undefined);
  const change = 'ab'.repeat(12);
  const made = await apply(2, base, { change });
  assert.deepEqual(await apply(2, base, { change }), made);
});
