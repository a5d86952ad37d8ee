import { rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { failStack } from '../errors.ts';
import { isAlive, type ProcessIdentity } from '../processes/identity.ts';
import { endProcesses, findMarked } from '../processes/marked.ts';
import type { StackLayout } from './layout.ts';
import { bootId, emptyRecord, readRecord, type StackRecord, writeRecord } from './record.ts';

const endWithinMs = 5_000;

/**
 * Ends what a supervisor that was itself killed left behind: the processes that its
 * record names (start times hold only within one boot) and all that carry its mark, which
 * covers one spawned between two writes of the record and children of children. The
 * caller holds the lock. Resolves to how many there were.
 */
export async function endLeftovers(layout: StackLayout): Promise<number> {
  const record = readRecord(layout.record);
  const leftovers = new Map<number, ProcessIdentity>();
  for (const process of [...recorded(record), ...findMarked(layout.directory)]) {
    leftovers.set(process.pid, process);
  }
  const survivors = await endProcesses([...leftovers.values()], endWithinMs);
  if (survivors.length > 0) {
    const pids = survivors.map(({ pid }) => pid).join(', ');
    failStack(
      'state_directory_unusable',
      `cannot end leftover processes of ${layout.directory}: pid ${pids}`,
    );
  }
  removeSocket(layout, record);
  writeRecord(layout.record, emptyRecord(layout.socket));
  return leftovers.size;
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
