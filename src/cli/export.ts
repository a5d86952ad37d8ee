import { rename, rm, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { MeridianError, messageOf } from '../base/errors.ts';
import { type AdminOptions, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { counted, print, printJson } from './output.ts';

interface ExportOptions extends AdminOptions {
  readonly out: string;
}

export function define(command: Command): void {
  addAdminOptions(command)
    .requiredOption('--out <file>', 'where to write the bundle')
    .addHelpText(
      'after',
      '\nA new node starts from it when neither store nor other nodes are there.',
    )
    .action(exportBundle);
}

async function exportBundle(options: ExportOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const bundle = await admin.getOctets('/config/bundle');
  await replaceWhole(options.out, bundle);
  if (options.json) printJson({ file: options.out, bytes: bundle.length });
  else print(`${options.out}: ${counted(bundle.length, 'byte')}`);
}

/** The file is there whole, or as it was before. */
async function replaceWhole(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.${process.pid}.draft`;
  try {
    await writeFile(draft, bytes, { flag: 'wx', mode: 0o600, flush: true });
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new MeridianError('output_not_written', `cannot write ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
