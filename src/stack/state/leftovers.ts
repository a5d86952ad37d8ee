import { existsSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failStack } from '../errors.ts';
import { isAlive, isStopped, type ProcessIdentity } from '../processes/identity.ts';
import { endProcesses, findMarked } from '../processes/marked.ts';
import type { StackLayout } from './layout.ts';
import { bootId, emptyRecord, readRecord, type StackRecord, writeRecord } from './record.ts';

const endWithinMs = 5_000;
/** A supervisor whose state directory was removed notices it and ends within this. */
const supervisorEndsWithinMs = 10_000;

/**
 * What a supervisor that was itself killed left behind: the processes that its record
 * names (start times hold only within one boot) and all that carry its mark, which covers
 * one spawned between two writes of the record and children of children.
 */
export function findLeftovers(
  layout: StackLayout,
  record: StackRecord | undefined,
): ProcessIdentity[] {
  const leftovers = new Map<number, ProcessIdentity>();
  for (const process of [...recorded(record), ...findMarked(layout.directory)]) {
    leftovers.set(process.pid, process);
  }
  return [...leftovers.values()];
}

/**
 * Ends the leftovers of a state directory; the caller holds its lock. Resolves to how many
 * there were.
 *
 * @throws MeridianError `stack_running` while the supervisor of one still lives: of a stack
 *   whose state directory was removed from below it.
 */
export async function endLeftovers(layout: StackLayout): Promise<number> {
  await awaitSupervisors(layout);
  const record = readRecord(layout.record);
  const leftovers = findLeftovers(layout, record);
  await endAll(layout, leftovers);
  removeSocket(layout, record);
  writeRecord(layout.record, emptyRecord(layout.socket));
  return leftovers.length;
}

/**
 * Ends all that carries the mark of the directory, by the record or without one. A
 * damaged stack.json that stands among files of ours is set aside, so that `up` can begin
 * anew; any other is left alone.
 */
export async function forceEnd(layout: StackLayout): Promise<number> {
  let record: StackRecord | undefined;
  try {
    record = readRecord(layout.record);
  } catch {
    const leftovers = findLeftovers(layout, undefined);
    await endAll(layout, leftovers);
    if (!existsSync(layout.token)) return leftovers.length;
    renameSync(layout.record, `${layout.record}.damaged`);
    writeRecord(layout.record, emptyRecord(layout.socket));
    return leftovers.length;
  }
  if (record) return endLeftovers(layout);
  const leftovers = findLeftovers(layout, undefined);
  await endAll(layout, leftovers);
  return leftovers.length;
}

async function endAll(
  { directory }: StackLayout,
  leftovers: readonly ProcessIdentity[],
): Promise<void> {
  const survivors = await endProcesses(leftovers, endWithinMs);
  if (survivors.length === 0) return;
  const pids = survivors.map(({ pid }) => pid).join(', ');
  failStack(
    'state_directory_unusable',
    `cannot end leftover processes of ${directory}: pid ${pids}`,
  );
}

async function awaitSupervisors({ directory }: StackLayout): Promise<void> {
  const untilMs = performance.now() + supervisorEndsWithinMs;
  for (;;) {
    const living = findMarked(directory).flatMap(({ supervisor }) =>
      supervisor && isAlive(supervisor) ? supervisor : [],
    );
    const [supervisor] = living;
    if (!supervisor) return;
    if (isStopped(supervisor) || performance.now() > untilMs) {
      failStack(
        'stack_running',
        `a stack that began on ${directory} before that directory was removed still runs; end it with \`kill -KILL ${supervisor.pid}\``,
      );
    }
    await sleep(50);
  }
}

function recorded(record: StackRecord | undefined): ProcessIdentity[] {
  if (!record || record.bootId !== bootId()) return [];
  return record.processes.map(({ pid, startTicks }) => ({ pid, startTicks })).filter(isAlive);
}

/** The socket, and its own folder where it did not fit into the state directory. */
export function removeSocket(layout: StackLayout, record: StackRecord | undefined): void {
  if (!record) return;
  rmSync(record.socket, { force: true });
  const folder = dirname(record.socket);
  if (folder === layout.directory) return;
  try {
    rmdirSync(folder);
  } catch {
    // Already gone, or something else is in it: then it is not ours to remove.
  }
}
