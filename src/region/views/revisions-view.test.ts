import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { acceptDocument } from '../../config/document.ts';
import type { RevisionRef } from '../../revisions/revision.ts';
import { Revisions } from '../../revisions/revisions.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { createRevisionsView } from './revisions-view.ts';

const region = (last: number) => ({
  address: `127.0.0.${last}`,
  location: { latitude: 1, longitude: 2 },
});

const documentOf = (ttl: number) => ({
  regions: { east: region(1), west: region(2) },
  store: { engine: 'jetstream', servers: { east: ['nats://a'], west: ['nats://b'] } },
  zones: { 'a.test': { ttl: `${ttl}s`, records: [] } },
});

function open() {
  const clock = new ManualClock();
  const revisions = new Revisions(new MemoryStore(clock), clock);
  const { config, document } = acceptDocument(documentOf(1), 'test');
  const configuration = { config, document, info: undefined, serial: 7, secrets: {} } as unknown;
  const live = { configuration: configuration as Configuration };
  const view = createRevisionsView({ revisions, live, clock }, () => assert.fail());
  const apply = (ttl: number, base: RevisionRef | undefined, more: object = {}) =>
    view.apply({
      ...{ document: documentOf(ttl), base, author: 'ana', message: '' },
      ...{ rollout: undefined, supersede: false, change: undefined, ...more },
    });
  return { apply, view };
}

test('a document comes with the serial that its zones have', async () => {
  const { apply, view } = open();
  assert.equal((await view.document(undefined)).serial, 7);
  const { serial, sequence } = await apply(2, undefined);
  assert.equal((await view.document(sequence)).serial, serial);
});

test('a change that was asked for to supersede a rollout does so, and only that', async () => {
  const { apply } = open();
  const bounds = { errorShare: 0.1, readyShare: 1 };
  const rollout = { waves: [['east'], ['west']], pauseMs: 1_000, bounds };
  const second = await apply(2, await apply(1, undefined), { rollout });
  await assert.rejects(apply(3, second), { code: 'rollout_running' });
  assert.equal((await apply(3, second, { supersede: true })).sequence, 3);
});

test('zones that no name server could serve are refused before they are a revision', async () => {
  const { apply } = open();
  const zones = {
    'a.test': { records: [{ name: 'a', type: 'MX', values: ['mail'] }] },
    'b.test': { file: 'z/b.zone', contents: { 'b.zone': '$TTL 5\na A 192.0.2.1\nb A 1\n' } },
  };
  const document = { ...documentOf(1), zones };
  await assert.rejects(apply(1, undefined, { document }), {
    code: 'config_invalid',
    message: `the configuration: zones["a.test"].records[0].values[0]: "mail" is no MX data: expected a preference and a name, such as \`10 mail\`
z/b.zone:3: zones["b.test"]: "1" is no A data: expected an IPv4 address`,
  });
  zones['a.test'].records = [];
  zones['b.test'].contents['b.zone'] = '$TTL 5\na A 192.0.2.1\n';
  assert.equal((await apply(1, undefined, { document })).sequence, 1);
});

test('a change that is sent again by its name finds its own revision', async () => {
  const { apply } = open();
  const base = await apply(1, undefined);
  const change = 'ab'.repeat(12);
  const made = await apply(2, base, { change });
  assert.deepEqual(await apply(2, base, { change }), made);
});
