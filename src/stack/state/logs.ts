import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/schema/config.ts';
import { stackNodes } from '../plan/nodes.ts';
import type { StackLayout } from './layout.ts';

/** Each start begins new log files and keeps those of the start before as `*.log.1`. */
export function rotateLogs(layout: StackLayout, config: Config): void {
  const regions = Object.keys(config.regions).map((name) => layout.region(name));
  const folders = [
    ...stackNodes(config).map(({ region, name }) => layout.region(region).node(name).directory),
    ...regions.flatMap(({ services, store }) => [services, store]),
  ];
  for (const folder of folders) {
    for (const file of logsIn(folder)) renameSync(join(folder, file), join(folder, `${file}.1`));
  }
}

function logsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.log'));
  } catch {
    return [];
  }
}
