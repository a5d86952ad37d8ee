import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../http/case.ts';
import { ratios } from '../http/rounds.ts';
import { exactly, spreadOf, type Tail, tailOf } from '../statistics.ts';
import type { DataAmount } from './compare.ts';
import { oneByOne, shown } from './latency.ts';
import type { ReplySocket } from './reply-socket.ts';
import { get, put, type Region, regions, World } from './world.ts';

/** One way, in ms: half of the round trip of the reads that are asked for in a far region. */
const farMs = 107.5;
const linkDelaysMs = [80, 250] as const;
const writesPerSecond = 500;

/** How long after its confirmation a write is read in another region, with and without load. */
export async function benchLag(
  { rounds, seconds }: DataAmount,
  near: () => Promise<World>,
): Promise<readonly Outcome[]> {
  const world = await near();
  const writer = await world.connect('one');
  const [quiet, loaded]: [number[][], number[][]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    quiet.push(await lagsOf(world, writer, 10, `quiet.${round}`));
    const load = writesAtRate(await world.connect('one'), seconds);
    loaded.push(await lagsOf(world, writer, 10, `loaded.${round}`));
    await load;
  }
  writer.close();
  const median = (micros: readonly number[]) => tailOf(micros).median;
  return [
    {
      peer: 'itself',
      compares: 'median lag of async writes, under load by without',
      ratio: spreadOf(ratios(loaded.map(median), quiet.map(median))),
      goals: [],
      rounds,
      figures: { microseconds: { loaded: tailOf(loaded.flat()), quiet: tailOf(quiet.flat()) } },
      summary: `${shown(loaded.flat())} / ${shown(quiet.flat())} ms, each median and p99`,
      on: { meridian: [`${writesPerSecond} writes per second meanwhile`], peer: ['no load'] },
    },
  ];
}

/** Reads in a region 215 ms away from the leader: from its mirror, and as if it had none. */
export async function benchFarReads({ operations }: DataAmount): Promise<readonly Outcome[]> {
  const world = await World.start(farMs);
  try {
    const times: Tail[] = [];
    const ratios: number[] = [];
    for (const region of regions) {
      const socket = await world.connect(region);
      await socket.ask(put('sync', 'far', 'x'));
      await sleep(2_000);
      const mirror = await oneByOne(() => socket.ask(get('sync', 'far')), operations);
      const strong = () => socket.ask(get('sync', 'far', '?consistency=strong'));
      const without = await oneByOne(strong, 10);
      times.push(tailOf(mirror), tailOf(without));
      ratios.push(tailOf(mirror).median / tailOf(without).median);
      socket.close();
    }
    const [mirror, without] = times;
    const ms = (tail: Tail | undefined) => ((tail?.median ?? Number.NaN) / 1_000).toFixed(2);
    return [
      {
        peer: 'itself',
        compares: 'median time, with the mirror by without it',
        ratio: spreadOf(ratios),
        goals: [],
        rounds: regions.length,
        figures: { microseconds: times },
        summary: `${ms(mirror)} / ${ms(without)} ms`,
        on: { meridian: ["local read, from the region's mirror"], peer: ['read through the hub'] },
      },
    ];
  } finally {
    await world.close();
  }
}

/** What everything takes when regions are far from each other. */
export async function benchLinks({ rounds }: DataAmount): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const delayMs of linkDelaysMs) {
    const world = await World.start(delayMs);
    try {
      outcomes.push(await overLinks(world, delayMs, rounds));
    } finally {
      await world.close();
    }
  }
  return outcomes;
}

async function overLinks(world: World, delayMs: number, rounds: number): Promise<Outcome> {
  const socket = await world.connect('one');
  const requests = {
    'local read': get('sync', 'far'),
    'async write': put('async', 'far', 'x'),
    'sync write': put('sync', 'far', 'x'),
    'strong read': get('sync', 'far', '?consistency=strong'),
  };
  await isTaken(socket, requests['sync write'], 503);
  while (!(await isTaken(socket, requests['local read'], 404))) await sleep(10);
  const figures: Record<string, Tail> = {};
  const told: string[] = [];
  for (const [name, request] of Object.entries(requests)) {
    let late = 0;
    const ask = async () => {
      if (!(await isTaken(socket, request, 503))) late++;
    };
    const micros = await oneByOne(ask, 4 * rounds);
    figures[name] = tailOf(micros);
    told.push(`${name} ${shown(micros)}${late > 0 ? ` (${late} of ${4 * rounds}: 503)` : ''}`);
  }
  const lags = await lagsOf(world, socket, rounds, 'far.lag');
  figures['async lag'] = tailOf(lags);
  told.push(`async lag ${shown(lags)}`);
  socket.close();
  return {
    peer: 'itself',
    compares: 'median time of a sync write, by one round trip of the link',
    ratio: exactly((figures['sync write']?.median ?? Number.NaN) / (2_000 * delayMs)),
    goals: [],
    rounds,
    figures: { delayMs, microseconds: figures },
    summary: `${delayMs} ms one way, median / p99 in ms: ${told.join('; ')}`,
    on: { meridian: ['regions far from each other'], peer: ['the link'] },
  };
}

/** Each write is looked for in both other regions from the moment in which it was confirmed. */
async function lagsOf(
  world: World,
  writer: ReplySocket,
  writes: number,
  prefix: string,
): Promise<number[]> {
  const others: readonly Region[] = ['two', 'three'];
  const readers = await Promise.all(others.map((region) => world.connect(region)));
  const micros: number[] = [];
  for (let n = 0; n < writes; n++) {
    const key = `${prefix}.${n}`;
    await writer.ask(put('async', key, 'x'));
    const confirmedMs = performance.now();
    await Promise.all(
      readers.map(async (reader) => {
        while (!(await isTaken(reader, get('async', key), 404))) await sleep(1);
        micros.push((performance.now() - confirmedMs) * 1_000);
      }),
    );
  }
  for (const reader of readers) reader.close();
  return micros;
}

/** `false`: it was answered by that status. @throws for any other from 400. */
async function isTaken(socket: ReplySocket, request: string, unless: number): Promise<boolean> {
  try {
    await socket.ask(request);
    return true;
  } catch (error) {
    if (String(error).includes(`answered ${unless}`)) return false;
    throw error;
  }
}

async function writesAtRate(socket: ReplySocket, seconds: number): Promise<void> {
  const startedMs = performance.now();
  for (let n = 0; n < writesPerSecond * seconds; n++) {
    const dueMs = startedMs + (n * 1_000) / writesPerSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    await socket.ask(put('async', `load.${n % 1_000}`, 'x'.repeat(256)));
  }
  socket.close();
}
