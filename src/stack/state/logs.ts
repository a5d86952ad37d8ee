import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { StackLayout } from './layout.ts';

/** Each start begins new log files and keeps those of the start before as `*.log.1`. */
export function rotateLogs(layout: StackLayout, regions: readonly string[]): void {
  for (const name of regions) {
    const { directory, services, store } = layout.region(name);
    for (const folder of [directory, services, store]) {
      for (const file of logsIn(folder)) renameSync(join(folder, file), join(folder, `${file}.1`));
    }
  }
}

function logsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.log'));
  } catch {
    return [];
  }
}
