import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { collectWaves, resolveWaves } from './waves.ts';

test('commas part waves, + joins regions, rest is all others, and words add up', () => {
  assert.deepEqual(collectWaves('us+eu,ap,rest'), [['us', 'eu'], ['ap'], ['rest']]);
  assert.deepEqual(collectWaves('ap', collectWaves('us + eu;rest')), [
    ['us', 'eu'],
    ['rest'],
    ['ap'],
  ]);
  const regions = ['us', 'eu', 'ap', 'sa'];
  assert.deepEqual(resolveWaves([['ap'], ['rest']], regions), [['ap'], ['us', 'eu', 'sa']]);
  assert.deepEqual(resolveWaves([['rest', 'us'], ['ap']], regions), [['eu', 'sa', 'us'], ['ap']]);
  assert.deepEqual(resolveWaves([['us', 'eu'], ['sa', 'ap'], ['rest']], regions), [
    ['us', 'eu'],
    ['sa', 'ap'],
  ]);
});

test('waves are all regions, each once, or an error', () => {
  const regions = ['us', 'eu', 'ap'];
  const name = fc.constantFrom(...regions, 'rest', 'mars');
  const waves = fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  });
  let resolved = 0;
  fc.assert(
    fc.property(waves, (named) => {
      let result: string[][];
      try {
        result = resolveWaves(named, regions);
      } catch (error) {
        assert.match((error as Error).message, /no region "mars"|twice|leaves out/);
        return;
      }
      resolved++;
      assert.deepEqual(result.flat().toSorted(), regions.toSorted());
      assert.ok(result.every((wave) => wave.length > 0));
    }),
    { numRuns: 1_000 },
  );
  assert.ok(resolved > 20, `${resolved} of 1000`);
});
