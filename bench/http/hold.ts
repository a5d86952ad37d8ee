import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processFigures } from '../apply/process-figures.ts';
import { spreadOf } from '../statistics.ts';
import { IdleClients } from './load/idle-clients.ts';
import { statusOf } from './probe.ts';
import type { Subject } from './setup.ts';
import type { Stage } from './stage.ts';

/** Opened and closed first: what the first ones need is needed once. */
const warmUpConnections = 100;
const batch = 500;
/** Beyond those that there is room for. */
const overflow = 1_000;
const looks = 5;

/** Idle connections that were held, and the resident memory that each took. */
export interface Held {
  readonly connections: number;
  readonly bytesEach: number;
}

/** What came of connections that there was no room for; counts are of all since the start. */
export interface AtLimit {
  /** What the program may have open. */
  readonly openFiles: number;
  readonly opened: number;
  readonly held: number;
  readonly refused: number;
  /** Idle ones that were closed, for newcomers. */
  readonly dropped: number;
  /** The program runs, and answers on one more connection. */
  readonly serves: boolean;
  /** What it printed of it. */
  readonly logged: readonly string[];
}

/** Holds as many as there is room for, then tries some more. `settleMs`: before memory is read. */
export async function holdAll(
  stage: Stage,
  subject: Subject,
  settleMs: number,
): Promise<Held & { readonly atLimit: AtLimit }> {
  await using clients = await warmUp(stage, subject);
  const before = await settledBytes(subject, settleMs);
  let opened = 0;
  let counts = await clients.counts();
  while (counts.held === opened) {
    counts = await clients.open(batch);
    opened += batch;
  }
  const bytes = (await settledBytes(subject, settleMs)) - before;
  const connections = (await clients.counts()).held;
  counts = await clients.open(overflow);
  const serves = (await statusOf(subject, undefined, '/v1/after')) === 200;
  const atLimit = {
    openFiles: openFileLimit(subject),
    opened: opened + overflow,
    ...counts,
    serves,
    logged: warnings(subject),
  };
  return { connections, bytesEach: bytes / connections, atLimit };
}

/** Holds so many, or as many as it may. */
export async function hold(
  stage: Stage,
  subject: Subject,
  settleMs: number,
  wanted: number,
): Promise<Held> {
  await using clients = await warmUp(stage, subject);
  const before = await settledBytes(subject, settleMs);
  await clients.open(wanted);
  const bytes = (await settledBytes(subject, settleMs)) - before;
  const connections = (await clients.counts()).held;
  return { connections, bytesEach: bytes / connections };
}

/** Resolves to clients that have none open yet. */
async function warmUp(stage: Stage, { httpPort, httpsPort }: Subject): Promise<IdleClients> {
  const target = { port: httpsPort || httpPort, secure: httpsPort !== 0 };
  await using first = new IdleClients(stage, target);
  await first.open(warmUpConnections);
  return new IdleClients(stage, target);
}

async function settledBytes({ program }: Subject, settleMs: number): Promise<number> {
  await sleep(settleMs);
  const seen: number[] = [];
  for (let look = 0; look < looks; look++) {
    seen.push(processFigures(program.pid).residentBytes);
    await sleep(settleMs / looks / 2);
  }
  return spreadOf(seen).median;
}

function openFileLimit({ program }: Subject): number {
  const limits = readFileSync(`/proc/${program.pid}/limits`, 'utf8');
  return Number(/^Max open files +(\d+)/m.exec(limits)?.[1]);
}

/** Of Meridian's log, which is lines of JSON. */
function warnings({ program }: Subject): string[] {
  return program.log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; message: string })
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map(({ message }) => message);
}
