import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRemoval, type LeftBucket, remarksOn } from './left-data.ts';

const history: LeftBucket = {
  name: 'history',
  holders: ['eu', 'us'],
  uncopied: 0,
  lacking: new Map([
    ['eu', 0],
    ['us', 0],
  ]),
};
const keep = { deleteData: false, lost: false };
const remove = { deleteData: true, lost: false };
const check = (bucket: Partial<LeftBucket>, wishes = keep) => {
  const left = { ...history, ...bucket };
  try {
    checkRemoval('sa', [history, left], wishes);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('a region is not removed while it has what no other has, unless that is given up', () => {
  assert.equal(check({}), undefined);
  assert.equal(check({}, remove), undefined);
  assert.equal(check({ uncopied: 2 }), 'entries_left');
  assert.equal(check({ uncopied: 2 }, remove), 'entries_left');
  assert.equal(check({ uncopied: 2 }, { deleteData: true, lost: true }), undefined);
});

test('the last copy stays on its disk, and what is not known is not deleted', () => {
  const last = { holders: [], uncopied: 7, lacking: new Map() };
  assert.equal(check(last), undefined, 'it stays where it is');
  assert.equal(check(last, remove), 'last_copy');
  assert.equal(check({ ...last, uncopied: 0 }, remove), undefined, 'an empty one');
  assert.equal(check({ ...last, uncopied: undefined }, remove), 'last_copy');
  assert.equal(check({ uncopied: undefined }), undefined);
  assert.equal(check({ uncopied: undefined }, remove), 'entries_unknown');
  assert.equal(check({ uncopied: undefined }, { deleteData: true, lost: true }), undefined);
});

test('what stays behind is said, with numbers where they are known', () => {
  assert.deepEqual(remarksOn('sa', [history]), []);
  const lacking = new Map([
    ['eu', 0],
    ['us', 3],
  ]);
  assert.deepEqual(remarksOn('sa', [{ ...history, uncopied: 2, lacking }]), [
    'bucket "history": 2 entries that only sa had',
    'bucket "history": us lacks 3 of the last entries of sa that another region has, and copies them from there',
  ]);
  const [unknown, most] = remarksOn('sa', [{ ...history, uncopied: undefined, lacking }]);
  assert.match(unknown!, /is not known, since its store does not answer$/);
  assert.match(most!, /us lacks up to 3 of the last/);
  assert.match(remarksOn('sa', [{ ...history, holders: [] }])[0]!, /no other region has a copy$/);
});
