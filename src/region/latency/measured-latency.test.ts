import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualClock } from '../../base/manual-clock.ts';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { createLog } from '../../observability/log.ts';
import { findCell, type MeasuredCells } from '../../steering/latency/measured-cells.ts';
import { parseAddress } from '../../steering/network.ts';
import { MeasuredLatency } from './measured-latency.ts';

const location = { latitude: 1, longitude: 2 };
const origins = { eu: 'http://127.0.0.1', us: 'http://127.0.0.2' };
const configOf = (beacon: object | undefined = {}) => {
  const latency = beacon && { beacon: { regions: origins, minimumReports: 2, ...beacon } };
  return configSchema.parse({
    regions: { eu: { address: '127.0.0.1', location }, us: { address: '127.0.0.2', location } },
    ...(latency && { latency }),
  } satisfies ConfigInput);
};

type Frame = [from: string, content: Buffer];

async function directoryOf(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-latency-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function create(region: string, node: string, stateDirectory: string, clock: ManualClock) {
  const toSiblings: Frame[] = [];
  const toRegions: Frame[] = [];
  const state = { config: configOf(), cells: undefined as MeasuredCells | undefined };
  const measured = new MeasuredLatency({
    ...{ region, node, stateDirectory, clock },
    config: () => state.config,
    tellers: {
      tellSiblings: (frame) => void toSiblings.push([region, frame.subarray(4)]),
      tellRegions: (frame) => void toRegions.push([region, frame.subarray(4)]),
    },
    onCells: (cells) => {
      state.cells = cells;
    },
    log: createLog({ region, clock, write: () => undefined }),
  });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1_000);
      for (let turn = 0; turn < 8; turn++) await setImmediate();
    }
  };
  const nearest = (address: string) => {
    const { cells } = state;
    const { ranking } = cells ? findCell(cells, parseAddress(address)!) : { ranking: -1 };
    return cells?.regions[cells.rankings[ranking]?.indexOf(0) ?? -1];
  };
  return { measured, state, toSiblings, toRegions, pass, nearest };
}

const report = (address: string, eu: number, us: number) => ({
  address,
  latencies: [
    ['eu', eu],
    ['us', us],
  ] as const,
});
const reports = [report('192.0.2.11', 90, 20), report('192.0.2.12', 91, 21)];

test('what browsers told one node is known to all, by the ways of the verdicts', async (t) => {
  const clock = new ManualClock();
  const directory = await directoryOf(t);
  const a1 = create('eu', 'a1', directory, clock);
  const a2 = create('eu', 'a2', directory, clock);
  const b1 = create('us', 'b1', directory, clock);
  await Promise.all([a1, a2, b1].map(({ measured }) => measured.start()));
  a1.measured.receiveReports({ reports: [...reports, reports[0]!], refused: { format: 2 } });
  await a1.pass(5);
  assert.equal(a1.nearest('192.0.2.77'), 'us');
  assert.deepEqual(a1.measured.figures(), {
    accepted: 2,
    refused: { format: 2, repeated: 1 },
    networks: 1,
    steeredBy: 1,
    ageSeconds: 5,
  });
  const told = a1.measured.find(parseAddress('192.0.2.1')!, 'us')!;
  assert.deepEqual([told.medianMs, told.spreadMs, told.reports, told.ageMs], [20, 0, 2, 5_000]);
  const [frame] = a1.toSiblings;
  assert.deepEqual(a1.toSiblings, a1.toRegions);
  assert.doesNotMatch(frame![1].toString(), /192|0b"|c000020b/, 'networks only');

  a2.measured.receiveFrame(...frame!);
  assert.deepEqual([a2.toSiblings.length, a2.toRegions.length], [0, 1], 'on to other regions');
  b1.measured.receiveFrame(...a2.toRegions[0]!);
  assert.deepEqual([b1.toSiblings.length, b1.toRegions.length], [1, 0], 'and there to siblings');
  const a3 = create('us', 'b2', directory, clock);
  await a3.measured.start();
  a3.measured.receiveFrame('us', b1.toSiblings[0]![1]);
  assert.deepEqual([a3.toSiblings, a3.toRegions], [[], []], 'no further');
  await b1.pass(1);
  assert.deepEqual([b1.nearest('192.0.2.1'), a3.nearest('192.0.2.1')], ['us', 'us']);

  const other = create('ap', 'c', directory, clock);
  await other.measured.start();
  other.measured.receiveFrame('us', frame![1]);
  other.measured.receiveFrame('eu', Buffer.from('{"kind":"latency",'));
  assert.deepEqual(other.measured.figures()?.refused, { frame: 2 }, 'eu alone speaks for eu');
  assert.equal(other.measured.figures()?.networks, 0);
  await Promise.all([a1, a2, b1, a3, other].map(({ measured }) => measured.close()));
});

test('a restart forgets nothing, and what the disk holds is hostile until it is read', async (t) => {
  const directory = await directoryOf(t);
  const clock = new ManualClock();
  const first = create('eu', 'a', directory, clock);
  await first.measured.start();
  first.measured.receiveReports({ reports, refused: {} });
  await first.pass(1);
  await first.measured.close();
  const path = join(directory, 'measured-latency.jsonl');
  const text = await readFile(path, 'utf8');
  assert.doesNotMatch(text, /192|c000020[bc]/, 'no address');

  const restarted = async (seconds: number) => {
    const later = new ManualClock(clock.wallMs() + seconds * 1_000);
    const next = create('eu', 'a', directory, later);
    await next.measured.start();
    await next.pass(1);
    const { ageSeconds, networks } = next.measured.figures() ?? {};
    const found = [next.nearest('192.0.2.1'), networks, ageSeconds];
    await next.measured.close();
    await writeFile(path, text);
    return found;
  };
  assert.deepEqual(await restarted(600), ['us', 1, 602]);
  const [header, frame] = text.split('\n');
  for (const damage of [
    '',
    '{',
    `${frame}\n${header}`,
    `${header}\n${frame?.slice(0, -9)}`,
    '[]\n',
  ]) {
    await writeFile(path, damage);
    assert.deepEqual(await restarted(1), [undefined, 0, undefined], damage.slice(0, 40));
  }
  await writeFile(path, `${header}\nnonsense\n${frame}\n`);
  assert.equal((await restarted(1))[0], 'us', 'a line that is wrong costs itself');
});

test('it follows the configuration: off, on, other prefixes', async (t) => {
  const clock = new ManualClock();
  const { measured, state, pass, nearest } = create('eu', 'a', await directoryOf(t), clock);
  await measured.start();
  measured.receiveReports({ reports, refused: {} });
  await pass(1);
  state.config = configOf();
  await pass(1);
  assert.equal(nearest('192.0.2.1'), 'us', 'the same settings');
  state.config = configOf({ ipv4Prefix: 20 });
  await pass(1);
  assert.equal(measured.figures()?.networks, 0);
  measured.receiveReports({ reports, refused: {} });
  await pass(1);
  assert.equal(nearest('192.0.15.1'), 'us');
  state.config = configSchema.parse({ regions: state.config.regions });
  await pass(1);
  assert.deepEqual([state.cells, measured.figures()], [undefined, undefined]);
  await measured.close();
});
