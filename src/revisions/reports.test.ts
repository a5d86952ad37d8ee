import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportOf } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { parseReport, ReportObserver, readReports } from './reports.ts';

const { storeRevision: _, silentForMs: __, ...report } = reportOf('east', 3);

test('of what a node reports the part that is needed is read, and strictly', () => {
  const encode = (more: object) => Buffer.from(JSON.stringify({ ...report, ...more }));
  assert.deepEqual(
    parseReport(encode({ services: [], revision: { ...report.revision, x: 1 } }), 7),
    {
      ...report,
      storeRevision: 7,
    },
  );
  const bad: [object, string][] = [
    [{ region: 'EAST' }, 'region'],
    [{ node: undefined }, 'node'],
    [{ ready: 'yes' }, 'ready'],
    [{ revision: { sequence: -1, hash: '' } }, 'revision.sequence'],
    [{ revision: { sequence: 1, hash: 'abc' } }, 'revision.hash'],
    [{ traffic: { ...report.traffic, requests: 1.5 } }, 'traffic.requests'],
    [{ traffic: { ...report.traffic, startedAt: 'now' } }, 'traffic.startedAt'],
    [{ reportedAt: 5 }, 'reportedAt'],
    [{ localFile: { path: '/a\n', hash: 'a'.repeat(64) } }, 'localFile.path'],
  ];
  for (const [more, field] of bad) {
    const message = `what a node reported cannot be read: ${field}`;
    assert.throws(() => parseReport(encode(more), 1), { code: 'report_invalid', message });
  }
  assert.equal(
    parseReport(encode({ revision: { sequence: 0, hash: '' } }), 1).revision.sequence,
    0,
  );
});

test('reports are those of their own nodes; damaged ones are as if there were none', async () => {
  const clock = new ManualClock();
  const bucket = new MemoryStore(clock).bucket('status');
  await bucket.put('east.east', Buffer.from(JSON.stringify(report)));
  await bucket.put('west.west', Buffer.from(JSON.stringify(report)));
  await bucket.put('north.north', Uint8Array.of(0xff));
  assert.deepEqual(await readReports(bucket), [{ ...report, storeRevision: 1 }]);
});

test('a node is silent since its last report came, by the clock of who reads', async () => {
  const clock = new ManualClock(Date.parse(report.reportedAt));
  let storeRevision = 1;
  const observer = new ReportObserver(async () => [{ ...report, storeRevision }], clock);
  const silentForMs = async () => (await observer.observe())[0]!.silentForMs;
  assert.equal(await silentForMs(), 0);
  clock.advance(2_500);
  assert.equal(await silentForMs(), 2_500);
  storeRevision++;
  assert.equal(await silentForMs(), 0, 'it wrote the same again, and is there');
  clock.jumpWall(3_600_000);
  clock.advance(9_000);
  assert.equal(await silentForMs(), 9_000);
});

test('who looks once gives a node that seems silent the time to speak', async () => {
  const clock = new ManualClock(Date.parse(report.reportedAt) + 3_600_000);
  let storeRevision = 1;
  const read = async () => [{ ...report, storeRevision }];
  const look = async (observer: ReportObserver) => {
    const looking = observer.observeSurely();
    for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    storeRevision += speaks ? 1 : 0;
    clock.advance(3_000);
    return (await looking)[0]!.silentForMs;
  };
  let speaks = true;
  assert.equal(await look(new ReportObserver(read, clock)), 0, 'its clock is an hour off');
  speaks = false;
  const silentForMs = await look(new ReportObserver(read, clock));
  assert.ok(silentForMs > 3_600_000, `${silentForMs}`);
});
