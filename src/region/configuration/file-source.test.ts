import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import type { Configuration } from './configuration.ts';
import { FileSource } from './file-source.ts';
import type { ChangeOutcome, LiveConfiguration } from './live-configuration.ts';
import { marksOf } from './watched-files.ts';

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
  await eventually('the first change', () => changes.length > 0);
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

test('a file that was replaced and asked to be read at once is read once; a later edit is seen', async () => {
  const path = join(directory, 'replaced.json');
  await writeFile(path, '{}');
  const config = configSchema.parse({ regions: {} });
  const configuration = { config, own: { region: 'here' } } as unknown as Configuration;
  let changes = 0;
  const live: Pick<LiveConfiguration, 'change' | 'configuration'> = {
    configuration,
    change: async () => {
      changes++;
      return { kind: 'serving', configuration };
    },
  };
  const clock = new ManualClock();
  const source = new FileSource({ path, live, stateDirectory: directory, clock });
  const looks = async (times: number) => {
    for (let time = 0; time < times; time++) {
      clock.advance(500);
      await delay(20);
    }
  };
  source.start();
  await looks(2);
  await writeFile(path, '{ }');
  source.refresh();
  await eventually('what was asked for', () => changes === 1);
  await looks(4);
  assert.equal(changes, 1);
  await writeFile(path, '{  }');
  await eventually('the later edit', async () => {
    await looks(1);
    return changes === 2;
  });
  source.close();
});

test('a zone file that changes is a change of the configuration', async () => {
  const path = join(directory, 'zones.json');
  await writeFile(path, '{}');
  await writeFile(join(directory, 'a.zone'), '');
  const zones = { 'a.test': { file: 'a.zone', contents: { 'a.zone': '' } } };
  const config = configSchema.parse({ regions: {}, zones });
  const configuration = { config, own: { region: 'here' } } as unknown as Configuration;
  let changes = 0;
  const live: Pick<LiveConfiguration, 'change' | 'configuration'> = {
    configuration,
    change: async () => {
      changes++;
      return { kind: 'serving', configuration };
    },
  };
  const clock = new ManualClock();
  const source = new FileSource({ path, live, stateDirectory: directory, clock });
  source.start();
  const looks = async () => {
    clock.advance(500);
    await delay(20);
  };
  await delay(20);
  await looks();
  assert.equal(changes, 0, 'it holds what it held');
  await writeFile(join(directory, 'a.zone'), '; changed');
  await eventually('the change', async () => {
    await looks();
    return changes === 1;
  });
  source.close();
  const late = new FileSource({ path, live, stateDirectory: directory, clock });
  late.start();
  await eventually('what changed before it was watched', () => changes === 2);
  late.close();
});

test('a file that was replaced while the node started is seen', async () => {
  const path = join(directory, 'starting.json');
  await writeFile(path, '{}');
  const seen = await marksOf([path]);
  await writeFile(path, '{ }');
  const config = configSchema.parse({ regions: {} });
  const configuration = { config, own: { region: 'here' } } as unknown as Configuration;
  let changes = 0;
  const live: Pick<LiveConfiguration, 'change' | 'configuration'> = {
    configuration,
    change: async () => {
      changes++;
      return { kind: 'serving', configuration };
    },
  };
  const clock = new ManualClock();
  const source = new FileSource({ path, seen, live, stateDirectory: directory, clock });
  source.start();
  const look = async () => {
    clock.advance(500);
    await delay(20);
  };
  await eventually('the change', async () => {
    await look();
    return changes === 1;
  });
  for (let looks = 0; looks < 4; looks++) await look();
  assert.equal(changes, 1);
  source.close();
});
