import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../base/errors.ts';
import type { KeyRole, ZoneKey } from '../dns/dnssec/zone-key.ts';
import { leaveSecretsOutOfCoreDumps } from '../secrets/core-dumps.ts';
import { addJsonOption } from './options.ts';
import { print, printJson } from './output.ts';
import { type InputOptions, readInput } from './secret-input.ts';

const roles: readonly KeyRole[] = ['csk', 'ksk', 'zsk'];
const mostKeyBytes = 65_536;

const keysOption = ['--keys <file>', 'the keys; without it from the standard input'] as const;
const aboutKeys =
  '\nThe text is secret: keep it with `meridian secret set NAME`, and name it as `secret:NAME`.';

export function define(command: Command): void {
  command
    .command('keys')
    .description('make keys for a zone, as its `dnssec.keys` takes them')
    .option('--split', 'a key for the keys and one for the data, instead of one for both')
    .addHelpText('after', aboutKeys)
    .action(makeKeys);
  command
    .command('roll')
    .description('print the keys after the next step of replacing one, and what to wait for')
    .option('--role <role>', roles.join(', '), parseRole, 'csk')
    .option(...keysOption)
    .addHelpText('after', aboutKeys)
    .action(roll);
  addJsonOption(command.command('ds'))
    .description('print the DS records that the parent of a zone is to have')
    .argument('<zone>', 'name of the zone')
    .option(...keysOption)
    .action(delegations);
}

interface KeysOptions {
  readonly keys?: string;
}

function parseRole(text: string): KeyRole {
  const role = roles.find((one) => one === text);
  if (!role) throw new InvalidArgumentError(`expected one of ${roles.join(', ')}`);
  return role;
}

async function makeKeys({ split = false }: { readonly split?: boolean }): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { formatZoneKeys, ZoneKey } = await import('../dns/dnssec/zone-key.ts');
  const made: readonly KeyRole[] = split ? ['ksk', 'zsk'] : ['csk'];
  print(formatZoneKeys(made.map((role) => ZoneKey.generate(role, 'active'))).trimEnd());
}

async function roll({ role, keys }: KeysOptions & { readonly role: KeyRole }): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { formatZoneKeys } = await import('../dns/dnssec/zone-key.ts');
  const { nextStep } = await import('../dns/dnssec/rollover.ts');
  const step = nextStep(await readKeys({ ...(keys !== undefined && { file: keys }) }), role);
  print(formatZoneKeys(step.keys).trimEnd());
  const wait = step.wait === undefined ? 'nothing is left to do' : `then wait ${step.wait}`;
  process.stderr.write(`${step.done}: bring these keys to the nodes, ${wait}\n`);
}

async function delegations(
  zone: string,
  { keys, json }: KeysOptions & { readonly json?: boolean },
): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  const { KeySet } = await import('../dns/dnssec/key-set.ts');
  const { parseName } = await import('../dns/wire/name.ts');
  const { ds } = await import('../dns/wire/records/numbered-octets.ts');
  const name = parseZone(parseName, zone);
  const owner = Buffer.from(name.key, 'latin1');
  const all = await readKeys({ ...(keys !== undefined && { file: keys }) });
  const records = new KeySet(zone, all).delegated.map((key) => {
    const { tail } = key.delegation(owner);
    return ds.format(tail, 0, tail.length);
  });
  if (json) printJson({ zone: name.toString(), ds: records });
  else for (const record of records) print(`${name}. IN DS ${record}`);
}

function parseZone<Name>(parse: (text: string) => Name, text: string): Name {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

async function readKeys(from: InputOptions): Promise<ZoneKey[]> {
  const { parseZoneKeys } = await import('../dns/dnssec/zone-key.ts');
  const bytes = await readInput(from, mostKeyBytes);
  try {
    return parseZoneKeys(bytes.toString());
  } finally {
    bytes.fill(0);
  }
}
