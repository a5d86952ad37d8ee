import type { Command } from 'commander';
import { addJsonOption } from './options.ts';
import { print, printJson } from './output.ts';
import { readPackageVersion } from './package-version.ts';

export function define(command: Command): void {
  addJsonOption(command).action(({ json }: { json?: boolean }) => {
    const versions = { meridian: readPackageVersion(), node: process.versions.node };
    if (json) printJson({ ...versions, platform: `${process.platform}-${process.arch}` });
    else print(`meridian ${versions.meridian} on Node ${versions.node}`);
  });
}
