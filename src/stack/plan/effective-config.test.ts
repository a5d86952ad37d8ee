import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { acceptDocument } from '../../config/document.ts';
import { loadConfig } from '../../config/load.ts';
import { layoutOf } from '../state/layout.ts';
import { emptyRecord, readRecord, writeRecord } from '../state/record.ts';
import { fakeConfig, makeFolder } from '../testdata/fake-stack.ts';
import { effectiveConfig, effectiveFileFor, type StackShape } from './effective-config.ts';
import { document, smaller } from './testdata/planned.ts';

const folder = makeFolder();
after(() => rmSync(folder, { recursive: true }));

const shape = (portOffset: number, loopback: number, nodes?: number) => ({
  relocation: { portOffset, loopback },
  nodes,
});

test('the effective configuration is moved, names the store servers, and loads as the same', async () => {
  const file = join(folder, 'meridian.yaml');
  writeFileSync(file, JSON.stringify(document));
  const effective = await effectiveConfig(file, shape(10, 5));
  assert.deepEqual(effective.config.store, {
    engine: 'jetstream',
    servers: {
      eu: ['nats://127.5.2.1:4232'],
      us: ['nats://127.5.1.9:4232'],
      watch: ['nats://127.5.3.1:4232'],
      far: ['nats://127.5.4.1:4232'],
    },
    tls: false,
  });
  const written = join(folder, 'config.json');
  writeFileSync(written, effective.text);
  assert.deepEqual((await loadConfig(written)).config, effective.config);
});

test('store servers that the configuration names are somebody else’s', async () => {
  const servers = Object.fromEntries(
    Object.keys(document.regions).map((region) => [region, ['nats://10.0.0.1:4222']]),
  );
  const file = join(folder, 'outside.yaml');
  writeFileSync(file, JSON.stringify({ ...document, store: { engine: 'jetstream', servers } }));
  const effective = await effectiveConfig(file, shape(10, 0));
  assert.equal(effective.storeServers, undefined);
  assert.deepEqual(effective.config.store, { engine: 'jetstream', servers, tls: false });
});

test('a stack without a store engine runs none', async () => {
  const file = join(folder, 'memory.yaml');
  writeFileSync(file, JSON.stringify(fakeConfig));
  assert.equal((await effectiveConfig(file, shape(0, 0))).storeServers, undefined);
});

test('a stack of its own store servers does not talk TLS to them, and says so', async () => {
  const file = join(folder, 'tls.yaml');
  writeFileSync(file, JSON.stringify({ ...smaller, store: { engine: 'jetstream', tls: true } }));
  await assert.rejects(effectiveConfig(file, shape(0, 0)), { code: 'store_tls_unsupported' });
});

/** A running stack as its stack.json tells of it. */
async function runningStack(file: string, of: StackShape) {
  const { storeServers, text } = await effectiveConfig(file, of);
  const written = join(folder, 'running.json');
  writeFileSync(written, text);
  const { relocation, nodes } = of;
  const record = { ...emptyRecord('/s'), shape: { relocation, nodes, storeServers } };
  const path = join(folder, 'stack.json');
  writeRecord(path, record);
  const layout = layoutOf(folder);
  return {
    stack: { layout, record: readRecord(path)!, supervised: true },
    revision: (await loadConfig(written)).revision,
  };
}

test('a file that is applied to a running stack gets the shape of its up', async () => {
  const file = join(folder, 'apply.yaml');
  const withFiles = { ...smaller, geo: { database: 'countries.mmdb' } };
  writeFileSync(file, JSON.stringify(withFiles));
  const { stack, revision } = await runningStack(file, shape(10, 5, 2));
  const same = await effectiveFileFor(stack, file);
  assert.equal(
    same.revision,
    revision,
    'the same file is the revision that the nodes started with',
  );
  assert.equal(same.config.geo.database, join(folder, 'countries.mmdb'));

  // Other ports for the store move no server that runs; a new region gets some of its own.
  const { far } = document.regions;
  const changed = {
    ...withFiles,
    regions: { ...smaller.regions, far },
    stack: { ...document.stack, storePorts: { leaf: 4444 } },
  };
  writeFileSync(file, JSON.stringify(changed));
  const other = await effectiveFileFor(stack, file);
  assert.deepEqual(other.config.store.engine === 'jetstream' && other.config.store.servers, {
    eu: ['nats://127.5.2.1:4232'],
    us: ['nats://127.5.1.1:4232'],
    watch: ['nats://127.5.3.1:4232'],
    far: ['nats://127.5.4.1:4454'],
  });
  assert.deepEqual(Object.keys(other.config.regions.far?.nodes ?? {}), ['a', 'b']);
  const again = acceptDocument(other.document, 'revision 2 of the store');
  assert.equal(again.revision, other.revision, 'what a node computes that has it from the store');
});

test('a stack that did not write down its shape is of another version', async () => {
  const stack = { layout: layoutOf('/state'), record: emptyRecord('/s'), supervised: true };
  await assert.rejects(effectiveFileFor(stack, join(folder, 'apply.yaml')), {
    code: 'stack_not_running',
    message: /not started by this version/,
  });
});
