import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { addJsonOption, integerBetween } from './options.ts';
import { print, printJson } from './output.ts';

interface StoreConfigOptions {
  readonly region: string;
  readonly out?: string;
  readonly voter?: true;
  readonly leaf?: true;
  readonly instance?: number;
  readonly closed?: true;
  readonly identityDir: string;
  readonly data: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly listen?: string;
  readonly port?: Readonly<Record<string, number>>;
  readonly json?: boolean;
}

const portNames = ['leaf', 'hub', 'cluster', 'leafnodes'];

export function defineConfig(store: Command): void {
  addJsonOption(store.command('config'))
    .description("make the configuration of one's own store servers (NATS) in a region")
    .argument('<file>', 'configuration of Meridian, with store.tls')
    .requiredOption('--region <name>', 'where the servers run')
    .option('--out <dir>', 'write the files there; without it they are printed')
    .addOption(new Option('--voter', 'only the voter of the hub').conflicts('leaf'))
    .option('--leaf', 'only the leaf, which the nodes of the region talk to')
    .option(
      '--instance <n>',
      'of a voter that replaces one whose disk is lost: the how manieth',
      integerBetween(1, 999),
    )
    .option('--closed', 'a voter that lets no leaf in: to save or restore its data')
    .option('--identity-dir <dir>', 'of ca.pem, cert.pem, key.pem there', '/etc/meridian/identity')
    .option('--data <dir>', 'of the data there', '/var/lib/meridian/store')
    .option('--host <region=host>', 'where its servers are reached; repeatable', collectHost)
    .option('--listen <address>', 'where the servers listen, if not there')
    .option('--port <name=port>', `of ${portNames.join(', ')}; repeatable`, collectPort)
    .addHelpText('after', '\nThe files hold no secret. See docs/guides/store.md.')
    .action(makeConfig);
}

async function makeConfig(file: string, options: StoreConfigOptions): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { operatorFiles } = await import('../store/nats-server/operator-files.ts');
  const { region, out, json, listen, host, port } = options;
  const { config } = await loadConfig(file);
  const { files, certificate } = operatorFiles(config, region, {
    kind: options.voter ? 'voter' : options.leaf ? 'leaf' : undefined,
    identityDirectory: options.identityDir,
    dataDirectory: options.data,
    hosts: host,
    listen,
    ports: port,
    instance: options.instance,
    closed: options.closed,
  });
  if (out !== undefined) {
    mkdirSync(out, { recursive: true });
    for (const { name, text } of files) writeFileSync(join(out, name), text);
  }
  if (json) return printJson({ region, files, certificate });
  if (out === undefined) {
    return print(
      files
        .map(({ name, text }) => `# ${name}\n${text}`)
        .join('\n')
        .trimEnd(),
    );
  }
  for (const { name } of files) print(join(out, name));
  const names = [
    ...certificate.dnsNames.map((name) => `DNS:${name}`),
    ...certificate.addresses.map((address) => `IP:${address}`),
  ];
  print(`\nThe certificate in ${options.identityDir} must name ${names.join(', ')}.`);
}

/** For `--host`, which may be given several times. */
export function collectHost(text: string, before: Readonly<Record<string, string>> = {}) {
  const [, region, host] = /^([a-z0-9-]+)=([A-Za-z0-9.-]+)$/.exec(text) ?? [];
  if (region !== undefined && host !== undefined) return { ...before, [region]: host };
  throw new InvalidArgumentError('Expected a region and its host, such as eu-west-1=10.0.0.1.');
}

/** For `--port`, likewise. */
export function collectPort(text: string, before: Readonly<Record<string, number>> = {}) {
  const [name = '', port = ''] = text.split('=');
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  if (portNames.includes(name) && isPort) return { ...before, [name]: Number(port) };
  throw new InvalidArgumentError(`Expected ${portNames.join(', ')} and a port, such as hub=4223.`);
}
