import { readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExclusiveLock, takeExclusiveLock } from '../../base/exclusive-lock.ts';
import { failStack } from '../errors.ts';
import { identify, isAlive, type ProcessIdentity } from '../processes/identity.ts';
import type { StackLayout } from './layout.ts';
import { replaceFile } from './private-file.ts';

export interface StackLock {
  release(): Promise<void>;
}

/** A process that was killed counts as ended a moment before its last thread lets go. */
const releasedWithinMs = 1_000;

/**
 * Makes this process the only supervisor on a state directory.
 *
 * Two parts: a kernel lock, which decides between two that start at once and which a
 * killed holder cannot leave behind, and the file `lock`, which says who holds it. A file
 * whose process (pid and start time) no longer lives is stale and is taken over.
 *
 * @throws MeridianError `stack_running` that names the directory and the holder's pid.
 */
export async function lockStack(layout: StackLayout): Promise<StackLock> {
  const { dev, ino } = statSync(layout.directory);
  const untilMs = performance.now() + releasedWithinMs;
  let kernelLock = await takeExclusiveLock(`stack:${dev}:${ino}`);
  while (!kernelLock && !lockHolder(layout) && performance.now() < untilMs) {
    await sleep(20);
    kernelLock = await takeExclusiveLock(`stack:${dev}:${ino}`);
  }
  const holder = lockHolder(layout);
  if (!kernelLock || holder) {
    await kernelLock?.release();
    return refuse(layout, holder);
  }
  const self = identify(process.pid);
  replaceFile(layout.lock, `${JSON.stringify(self)}\n`);
  return { release: () => release(layout, kernelLock) };
}

/** The live supervisor of a state directory, by its lock file. */
export function lockHolder(layout: StackLayout): ProcessIdentity | undefined {
  try {
    const { pid, startTicks } = JSON.parse(readFileSync(layout.lock, 'utf8'));
    const holder = { pid: Number(pid), startTicks: Number(startTicks) };
    return isAlive(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

async function release(layout: StackLayout, kernelLock: ExclusiveLock): Promise<void> {
  // The path may name another directory by now, with the lock of another.
  if (lockHolder(layout)?.pid === process.pid) rmSync(layout.lock, { force: true });
  await kernelLock.release();
}

function refuse({ directory }: StackLayout, holder: ProcessIdentity | undefined): never {
  const who = holder ? `pid ${holder.pid}` : 'a process that is just starting or ending';
  return failStack(
    'stack_running',
    `a stack already runs on ${directory} (${who}); end it with \`meridian down --state ${directory}\` or name another directory with --state`,
    { details: { directory, pid: holder?.pid } },
  );
}
