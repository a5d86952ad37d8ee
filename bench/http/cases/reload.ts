import { renameSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../apply/monotonic.ts';
import { exactly, spreadOf, tailOf } from '../../statistics.ts';
import type { Amount, HttpCase, Outcome } from '../case.ts';
import { targetsOf } from '../load/load-result.ts';
import { OpenLoop, type OpenLoopSamples } from '../load/open-loop.ts';
import { startOrigin } from '../origin.ts';
import { statusOf } from '../probe.ts';
import { ratios } from '../rounds.ts';
import { manyRoutes, plainSetup } from '../setup.ts';
import { Stage } from '../stage.ts';
import { type Meridian, startMeridian } from '../subjects/meridian.ts';

const routes = 10_000;
const connections = 128;
const perSecond = 4_000;
const leastRequests = 100_000;
const warmUpMs = 2_000;
const quietMs = 2_000;
/** After the new configuration serves: the old one ends, and what it left is collected. */
const afterMs = 1_000;
const pollMs = 10;

/** When nothing happened, and when a configuration was being replaced; `monotonicMs`. */
interface Round {
  readonly quietFromMs: number;
  readonly swapFromMs: number;
  readonly servingMs: number;
  readonly toMs: number;
}

/**
 * 10,000 routes under a steady load, and in each round one configuration file that replaces
 * another: requests that fail, and the 99th percentile before and during.
 */
export const reload: HttpCase = { name: 'reload', besidePeers: false, run };

async function run({ rounds, quick, cores }: Amount): Promise<Outcome[]> {
  await using stage = new Stage(cores);
  const setup = {
    ...plainSetup(await startOrigin(stage, 'openLoop')),
    routes: manyRoutes(routes),
  };
  const meridian = await startMeridian(stage, setup);
  const targets = targetsOf(setup.routes);
  const options = { port: meridian.httpPort, connections, targets, perSecond };
  await using load = await OpenLoop.start(stage, options);
  await sleep(warmUpMs);
  const startedMs = monotonicMs();
  const done: Round[] = [];
  const enough = () => ((monotonicMs() - startedMs) * perSecond) / 1_000 >= leastRequests * 1.02;
  while (done.length < rounds || !(quick || enough())) {
    done.push(await swap(stage, meridian, done.length));
  }
  return [outcomeOf(await load.stop(), done, meridian.on, quick)];
}

/** The file is replaced, as an operator would, by one with one more route. */
async function swap(stage: Stage, meridian: Meridian, count: number): Promise<Round> {
  const host = `swap-${count}.exchange.test`;
  const added = { name: `swap-${count}`, hosts: [host], service: 'origin' };
  const config = { ...meridian.config, routes: [...(meridian.config.routes ?? []), added] };
  const path = stage.write('next.json', JSON.stringify(config));
  const quietFromMs = monotonicMs();
  await sleep(quietMs);
  const swapFromMs = monotonicMs();
  renameSync(path, meridian.configPath);
  const deadlineMs = swapFromMs + 60_000;
  while ((await statusOf(meridian, host, '/')) !== 200) {
    if (monotonicMs() > deadlineMs) throw new Error('the new configuration does not serve');
    await sleep(pollMs);
  }
  const servingMs = monotonicMs();
  await sleep(afterMs);
  return { quietFromMs, swapFromMs, servingMs, toMs: monotonicMs() };
}

function outcomeOf(
  samples: OpenLoopSamples,
  done: readonly Round[],
  on: readonly string[],
  quick: boolean,
): Outcome {
  const before = done.map((one) => p99(samples, one.quietFromMs, one.swapFromMs));
  const during = done.map((one) => p99(samples, one.swapFromMs, one.toMs));
  const ratio = spreadOf(ratios(during, before));
  const requests = samples.status.length;
  const failed = samples.status.filter((status) => status !== 200).length;
  const { closed, stalledMs } = samples;
  const p99Ms = { before: spreadOf(before), during: spreadOf(during) };
  const servingAfterMs = spreadOf(done.map(({ swapFromMs, servingMs }) => servingMs - swapFromMs));
  return {
    peer: 'itself',
    compares: 'p99 during ÷ before',
    ratio,
    goals: [
      { what: 'ratio', unit: '', value: ratio, atMost: 2 },
      { what: 'requests that failed', unit: '', value: exactly(failed), atMost: 0 },
      { what: 'connections closed', unit: '', value: exactly(closed), atMost: 0 },
      {
        what: 'requests',
        unit: '',
        value: exactly(requests),
        atLeast: quick ? 1 : leastRequests,
      },
    ],
    rounds: done.length,
    figures: {
      routes,
      requests,
      failed,
      connectionsClosed: closed,
      requestsPerSecond: perSecond,
      p99Ms,
      servingAfterMs,
      loadStalledMs: stalledMs,
    },
    summary: `p99 ${p99Ms.during.median.toFixed(2)} / ${p99Ms.before.median.toFixed(2)} ms, serving after ${servingAfterMs.median.toFixed(0)} ms`,
    on: { meridian: on, peer: on },
  };
}

function p99({ dueMs, latencyMs }: OpenLoopSamples, fromMs: number, toMs: number): number {
  const within = latencyMs.filter((_, at) => dueMs[at]! >= fromMs && dueMs[at]! < toMs);
  return tailOf([...within]).p99;
}
