import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { createLog } from '../../observability/log.ts';
import { nextGeneration } from '../data-plane/generation.ts';
import { acceptFile } from '../start/starting-point.ts';
import { assemble } from './assemble.ts';
import { LiveConfiguration } from './live-configuration.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-live-'));
after(() => rm(directory, { recursive: true }));

test('the number of a generation that was given up is not given again, and why is told in short', async () => {
  const path = join(directory, 'meridian.json');
  const here = { address: '127.0.0.1', location: { latitude: 1, longitude: 2 } };
  await writeFile(path, JSON.stringify({ regions: { here } }));
  const context = { region: 'here', node: undefined, stateDirectory: directory, ring: undefined };
  const accept = () => acceptFile(path, undefined);
  const first = await assemble(await accept(), context, { place: path, geoRequired: true });
  const numbers: number[] = [];
  let fails = true;
  const live = new LiveConfiguration({
    first: nextGeneration(undefined, first),
    context,
    health: { update: () => undefined },
    dataPlane: {
      prepare: async ({ number }) => {
        numbers.push(number);
        if (fails) throw new Error('no answer in 10 s '.repeat(10_000));
        return { commit: () => undefined, abandon: () => undefined };
      },
      prepareZones: () => assert.fail('there are none'),
    },
    snapshots: { write: async () => undefined },
    clock: systemClock,
    log: createLog({ region: 'here', clock: systemClock, write: () => undefined }),
  });
  const change = () => live.change({ place: path, heardAtMs: 0, accept });
  const refused = await change();
  assert.equal(refused.kind, 'refused');
  assert.ok(refused.kind === 'refused' && refused.reason.length < 3_100, 'the reason has a bound');
  fails = false;
  assert.equal((await change()).kind, 'serving');
  assert.deepEqual(numbers, [2, 3]);
  assert.equal(live.generation.number, 3);
});
