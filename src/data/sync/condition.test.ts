import assert from 'node:assert/strict';
import { it } from 'node:test';
import { holds, revisionNamedBy, versionOf } from './condition.ts';

const record = { key: 'k', value: new Uint8Array(1), revision: 5, writeId: undefined };
const value = { ...record, deleted: false };
const tombstone = { ...record, deleted: true };

it('holds by what the key has: a value, a deletion, nothing', () => {
  const cases = [
    [{ type: 'absent' }, [false, true, true]],
    [{ type: 'exists' }, [true, false, false]],
    [{ type: 'version', versions: ['4', '5'] }, [true, false, false]],
    [{ type: 'version', versions: ['4'] }, [false, false, false]],
    [{ type: 'version', versions: [versionOf(tombstone)] }, [false, false, false]],
  ] as const;
  for (const [condition, expected] of cases) {
    const told = [value, tombstone, undefined].map((last) => holds(condition, last));
    assert.deepEqual(told, expected, JSON.stringify(condition));
  }
});

it('names a revision only where one version is named that can be one', () => {
  const named = (...versions: string[]) => revisionNamedBy({ type: 'version', versions });
  assert.equal(named('17'), 17);
  for (const text of ['', '0', '017', '-1', '1e3', '17-deleted', '9'.repeat(16)]) {
    assert.equal(named(text), undefined, text);
  }
  assert.equal(named('1', '2'), undefined);
  assert.equal(revisionNamedBy({ type: 'absent' }), undefined);
});
