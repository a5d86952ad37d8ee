import { spreadOf, tailOf } from '../../statistics.ts';
import { type Amount, type HttpCase, NotMeasurable, type Outcome } from '../case.ts';
import { pair } from '../cpu.ts';
import { OpenLoop } from '../load/open-loop.ts';
import { wrkFor } from '../load/wrk.ts';
import { startOrigin } from '../origin.ts';
import { alternate, ratios } from '../rounds.ts';
import { plainSetup, type Subject } from '../setup.ts';
import { Stage } from '../stage.ts';
import { startSubjects } from '../subjects/subjects.ts';
import { findTool, missing } from '../tools.ts';

const connections = 128;
const target = { host: undefined, path: '/v1/rates?base=EUR' };
/** Of each round, from its start: connections and code become warm. */
const skippedMs = 500;
const peakRounds = 3;
/** A sample for more of which the load stood still says little: it is taken anew. */
const bearableStallShare = 0.1;
const attempts = 3;

/**
 * The 99th percentile of `plain` while requests come at half the rate that the subject
 * manages at most: each at its own.
 */
export const latency: HttpCase = { name: 'latency', besidePeers: true, run };

interface Sample {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly loadStalledShare: number;
}

async function run({ peers, rounds, seconds, cores }: Amount): Promise<Outcome[]> {
  if (findTool('wrk') === undefined) throw new NotMeasurable(missing('wrk'));
  if (peers.length === 0) throw new NotMeasurable('there is no peer to measure against');
  await using stage = new Stage(cores);
  const subjects = await startSubjects(
    stage,
    plainSetup(await startOrigin(stage, 'openLoop')),
    peers,
  );
  const rates = await halfOfPeaks(stage, subjects, seconds);
  const samples = await alternate(subjects, rounds, (subject) =>
    undisturbed(() => sample(stage, subject, rates.get(subject)!, seconds)),
  );
  const figure = (at: number, of: keyof Sample) => samples[at]!.map((one) => one[of]);
  const spread = (at: number, of: keyof Sample) => spreadOf(figure(at, of));
  const perSecond = subjects.map((subject) => Math.round(rates.get(subject)!));
  return subjects.slice(1).map((peer, before): Outcome => {
    const at = before + 1;
    const ratio = spreadOf(ratios(figure(0, 'p99Ms'), figure(at, 'p99Ms')));
    const stalled = Math.max(...[0, at].map((one) => spread(one, 'loadStalledShare').median));
    const disturbed = stalled > bearableStallShare;
    const sides = (of: keyof Sample) => ({ meridian: spread(0, of), peer: spread(at, of) });
    return {
      peer: peer.name as (typeof peers)[number],
      compares: 'p99',
      ratio,
      goals:
        peer.name === 'nginx'
          ? [{ what: 'ratio', unit: '', value: ratio, atMost: 2, disturbed }]
          : [],
      rounds,
      figures: {
        requestsPerSecond: { meridian: perSecond[0], peer: perSecond[at] },
        p99Ms: sides('p99Ms'),
        medianMs: sides('medianMs'),
        failed: sides('failed'),
        loadStalledShare: sides('loadStalledShare'),
      },
      summary: `p99 ${pair(sides('p99Ms'), 2)} ms at ${perSecond[0]} / ${perSecond[at]} requests/s, load stalled ${(stalled * 100).toFixed(0)} %`,
      on: { meridian: subjects[0]!.on, peer: peer.on },
    };
  });
}

/** Requests per second, by the closed loop of `plain`. */
async function halfOfPeaks(
  stage: Stage,
  subjects: readonly Subject[],
  seconds: number,
): Promise<Map<Subject, number>> {
  const wrk = wrkFor(stage, [target]);
  for (const subject of subjects) await wrk(subject, { connections, seconds: 2 });
  const peaks = await alternate(subjects, peakRounds, async (subject) => {
    return (await wrk(subject, { connections, seconds })).perSecond;
  });
  return new Map(subjects.map((subject, at) => [subject, spreadOf(peaks[at]!).median / 2]));
}

async function undisturbed(take: () => Promise<Sample>): Promise<Sample> {
  let best = await take();
  for (let count = 1; count < attempts && best.loadStalledShare > bearableStallShare; count++) {
    const next = await take();
    if (next.loadStalledShare < best.loadStalledShare) best = next;
  }
  return best;
}

async function sample(
  stage: Stage,
  { httpPort: port }: Subject,
  perSecond: number,
  seconds: number,
): Promise<Sample> {
  const options = { port, connections, targets: [target], perSecond };
  await using load = await OpenLoop.start(stage, options);
  await new Promise((resolve) => setTimeout(resolve, skippedMs + seconds * 1_000));
  const { dueMs, latencyMs, status, stalledMs } = await load.stop();
  const counted = latencyMs.filter((_, at) => dueMs[at]! >= dueMs[0]! + skippedMs);
  const { median, p99 } = tailOf([...counted]);
  return {
    medianMs: median,
    p99Ms: p99,
    failed: status.filter((one) => one !== 200).length,
    loadStalledShare: stalledMs / (skippedMs + seconds * 1_000),
  };
}
