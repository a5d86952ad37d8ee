import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import type { Configuration } from './configuration.ts';
import { FileSource } from './file-source.ts';
import type { ChangeOutcome, LiveConfiguration } from './live-configuration.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-file-source-'));
after(() => rm(directory, { recursive: true }));

test('a storm of requests to read the file anew makes two changes of it, and none after the end', async () => {
  const path = join(directory, 'meridian.json');
  await writeFile(path, '{}');
  const changes: PromiseWithResolvers<ChangeOutcome>[] = [];
  const config = configSchema.parse({ regions: {} });
  const configuration = { config, own: { region: 'here' } } as unknown as Configuration;
  const live: Pick<LiveConfiguration, 'change' | 'configuration'> = {
    configuration,
    change() {
      const change = Promise.withResolvers<ChangeOutcome>();
      changes.push(change);
      return change.promise;
    },
  };
  const clock = new ManualClock();
  const source = new FileSource({ path, live, stateDirectory: directory, clock });
  for (let times = 0; times < 100; times++) source.refresh();
  assert.equal(changes.length, 1);
  changes[0]?.resolve({ kind: 'serving', configuration });
  await eventually('the second change', () => changes.length === 2);
  source.refresh();
  source.close();
  changes[1]?.resolve({ kind: 'serving', configuration });
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  assert.equal(changes.length, 2);
});
