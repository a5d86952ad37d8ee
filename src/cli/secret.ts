import { writeFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { codeOf, MeridianError, messageOf } from '../base/errors.ts';
import { leaveSecretsOutOfCoreDumps } from '../secrets/core-dumps.ts';
import { checkSecretName } from '../secrets/reference.ts';
import type { RotationReport, SecretInfo } from '../secrets/secrets.ts';
import { type AdminOptions, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { addJsonOption, integerBetween } from './options.ts';
import { counted, print, printJson, styled, table } from './output.ts';
import { type InputOptions, readInput } from './secret-input.ts';

interface JsonOptions {
  readonly json?: boolean;
}

const fileOption = [
  '--file <file>',
  'read it from there; without it from the standard input',
] as const;

const parseVersion = integerBetween(0, Number.MAX_SAFE_INTEGER);

const aboutKeys =
  '\nThe outer keys come from the file that MERIDIAN_SECRET_KEY_FILE names, or from MERIDIAN_SECRET_KEY.';

export function define(command: Command): void {
  addJsonOption(command.command('keygen'))
    .description('make an outer key: what seals all secrets, on every node')
    .option('--out <file>', 'write it to a new file of mode 0600')
    .action(keygen);
  addAdminOptions(command.command('set'))
    .description('seal a value and keep it in the store, for all nodes')
    .argument('<name>', '1 to 63 of a-z, 0-9, "-" and "."', parseName)
    .option(...fileOption)
    .option(
      '--expect <version>',
      'only where that is its version; 0: where there is none',
      parseVersion,
    )
    .addHelpText('after', '\nThe value is kept byte for byte, a line end at its end included.')
    .action(set);
  addAdminOptions(command.command('list'))
    .description('list the secrets of the store, without their values')
    .action(list);
  addAdminOptions(command.command('delete'))
    .description('remove a secret from the store')
    .argument('<name>', 'name of the secret', parseName)
    .action(remove);
  addAdminOptions(command.command('rotate'))
    .description('put every secret of the store under the first outer key of the node')
    .action(rotate);
  addJsonOption(command.command('seal'))
    .description('seal a file on this machine; one that is sealed already, under the first key')
    .option(...fileOption)
    .addHelpText('after', `\nPrints the text of the sealed file.${aboutKeys}`)
    .action(sealFile);
}

function parseName(text: string): string {
  try {
    checkSecretName(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

async function keygen({ out, json }: JsonOptions & { readonly out?: string }): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { KeyRing } = await import('../secrets/key-ring.ts');
  const text = KeyRing.generate();
  const id = KeyRing.parse(text, 'the new key').currentId;
  if (out === undefined) return json ? printJson({ id, text }) : print(text.trimEnd());
  await writeNew(out, text);
  if (json) printJson({ id, file: out });
  else print(`outer key ${id} is in ${out}`);
}

/** Never over a file that is there: without its key, what was sealed is lost. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    const why = codeOf(cause) === 'EEXIST' ? 'there is such a file already' : messageOf(cause);
    throw new MeridianError('output_not_written', `cannot write ${path}: ${why}`, { cause });
  }
}

interface SetOptions extends AdminOptions, InputOptions {
  readonly expect?: number;
}

async function set(name: string, options: SetOptions): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { maximumSecretBytes } = await import('../secrets/sealed-secret.ts');
  const value = await readInput(options, maximumSecretBytes);
  const admin = await connectAdmin(options);
  const { expect } = options;
  const condition = expect === undefined ? '' : `&version=${expect}`;
  const path = `/secrets/set?name=${name}${condition}`;
  const answer = await admin.post(path, value, 'application/octet-stream');
  if (options.json) return printJson(answer);
  const { secret } = answer as { secret: SecretInfo };
  const size = counted(secret.bytes ?? 0, 'byte');
  print(`secret ${name}: ${size} under ${secret.outerKey}, version ${secret.version}`);
}

async function list(options: AdminOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const answer = await admin.get('/secrets');
  if (options.json) return printJson(answer);
  const { secrets } = answer as { secrets: SecretInfo[] };
  if (secrets.length === 0) return print('no secrets');
  const heading = ['secret', 'bytes', 'outer key', 'set at', 'version'];
  print(table(secrets.map(rowOf), heading));
}

function rowOf({ name, bytes, outerKey, updatedAt, version, damaged }: SecretInfo): string[] {
  const facts = damaged
    ? [styled('red', 'damaged'), '', '']
    : [`${bytes}`, `${outerKey}`, `${updatedAt}`];
  return [name, ...facts, `${version}`];
}

async function remove(name: string, options: AdminOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const answer = await admin.post(`/secrets/delete?name=${name}`);
  if (options.json) printJson(answer);
  else print(`secret ${name} is deleted`);
}

async function rotate(options: AdminOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const report = (await admin.post('/secrets/rotate')) as RotationReport;
  if (report.failed.length > 0) process.exitCode = 1;
  if (options.json) return printJson(report);
  const { rewrapped, already, failed } = report;
  print(`${counted(rewrapped.length, 'secret')} rewrapped, ${already} already under the first key`);
  for (const { reason } of failed) print(`${styled('red', 'not rewrapped')}: ${reason}`);
  if (failed.length > 0) print('keep the old keys until this is settled');
}

async function sealFile({ json, ...input }: JsonOptions & InputOptions): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { loadKeyRing, requireRing } = await import('../secrets/key-ring.ts');
  const texts = await import('../secrets/sealed-text.ts');
  const { MERIDIAN_SECRET_KEY_FILE: path, MERIDIAN_SECRET_KEY: keys } = process.env;
  const ring = requireRing(loadKeyRing({ path, text: keys }), 'a file is to be sealed');
  const text = decode(await readInput(input, texts.maximumSecretFileBytes));
  const change = texts.isSealed(text) ? texts.rewrapText : texts.sealText;
  const sealed = change(ring, text, texts.secretFileContext);
  if (sealed.length > texts.maximumSecretFileBytes) {
    throw new MeridianError('input_too_large', 'too large for a sealed file of one secret');
  }
  if (json) printJson({ outerKey: ring.currentId, sealed });
  else process.stdout.write(sealed);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MeridianError('input_not_text', 'only text can be sealed: PEM, not DER');
  }
}
