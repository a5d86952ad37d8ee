import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { NatsConnection } from '@nats-io/transport-node';
import { restoreHub, saveHub } from './saved-hub.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-saved-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Whoever is refused here is refused before the hub is asked for anything. */
const nobody = {} as NatsConnection;
const head = { name: 'KV_a', config: { num_replicas: 1 }, state: { messages: 1, last_seq: 1 } };

test('what was not saved to its end, or is nothing of ours, is not restored', async () => {
  const restore = () => restoreHub(nobody, folder, { replicas: 3 });
  await assert.rejects(restore(), { code: 'save_failed', message: /holds no saved bucket$/ });
  writeFileSync(join(folder, 'KV_a.stream'), 'x');
  await assert.rejects(restore(), { code: 'save_failed', message: /not saved to its end$/ });
  for (const text of ['', '{}', JSON.stringify({ ...head, name: '../KV_a' })]) {
    writeFileSync(join(folder, 'KV_a.json'), text);
    await assert.rejects(restore(), { code: 'save_failed', message: /cannot be read/ });
  }
  await assert.rejects(restoreHub(nobody, join(folder, 'none'), { replicas: 3 }), {
    code: 'save_failed',
  });
});

test('a folder with something in it is not written to', async () => {
  await assert.rejects(
    saveHub(nobody, folder, () => undefined),
    {
      code: 'save_failed',
      message: /is not empty$/,
    },
  );
});
