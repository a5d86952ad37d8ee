import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StackLayout } from './layout.ts';
import { replaceFile } from './private-file.ts';

/** How often the voter of a region was made anew, from 1; of a later one the disk is another. */
export function voterInstance(layout: StackLayout, region: string): number {
  try {
    const text = readFileSync(fileOf(layout, region), 'utf8').trim();
    return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
  } catch {
    return 1;
  }
}

export function keepVoterInstance(layout: StackLayout, region: string, instance: number): void {
  mkdirSync(layout.region(region).store, { recursive: true, mode: 0o700 });
  replaceFile(fileOf(layout, region), `${instance}\n`);
}

function fileOf(layout: StackLayout, region: string): string {
  return join(layout.region(region).store, 'voter-instance');
}
