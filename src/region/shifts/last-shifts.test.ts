import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { Shifts } from '../../shifts/shifts.ts';
import { configOf, planOf } from '../../shifts/testdata/deployment.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import { LastShiftsFile } from './last-shifts.ts';

test('a file that is damaged is told of, one that is missing is not, and the next change makes it whole', async () => {
  const directory = await temporaryDirectory('shifts');
  const file = new LastShiftsFile(directory);
  assert.deepEqual([await file.read(), file.trouble], [undefined, undefined]);
  const path = join(directory, 'last-shifts.json');
  await writeFile(path, '{"version":1');
  assert.equal(await file.read(), undefined);
  assert.equal(
    file.trouble,
    `${path} is damaged: until the store is heard, the configured weights hold`,
  );
  const clock = new ManualClock();
  const shifts = new Shifts(new MemoryStore(clock), clock);
  const wish = { author: 'ana', message: '', known: undefined };
  const document = await shifts.start(planOf(), configOf(), wish);
  file.write(document);
  await file.close();
  assert.deepEqual([await file.read(), file.trouble], [document, undefined]);
});
