import { test } from 'node:test';
import fc from 'fast-check';
import { anyWorld } from './testdata/any.ts';
import {
  familyNames,
  isRightFromEveryCache,
  isSameAllOverItsScope,
} from './testdata/scope-properties.ts';

const runs = { numRuns: 1_500 };

for (const family of familyNames) {
  test(`property: a choice of one world is the same all over its scope (${family})`, () => {
    fc.assert(isSameAllOverItsScope(anyWorld, family), runs);
  });

  test(`property: in any order of queries no resolver’s cache gives an answer that we would not (${family})`, () => {
    fc.assert(isRightFromEveryCache(anyWorld, family), runs);
  });
}
