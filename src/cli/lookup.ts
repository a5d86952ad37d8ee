import { isIPv4 } from 'node:net';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { codeOf, messageOf } from '../base/errors.ts';
import type { LookupAnswer, LookupQuestion } from '../dns/client.ts';
import { parseNetwork } from './inputs.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { print, printJson, styled, table } from './output.ts';

interface LookupOptions extends StackOptions {
  readonly server?: NameServer;
  readonly region?: string;
  readonly client?: string;
  readonly tcp?: boolean;
}

/** Where a question goes. */
export interface NameServer {
  readonly server: string;
  readonly port: number;
  /** Undefined for a server that was named by its address. */
  readonly region: string | undefined;
}

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .argument('<name>', 'domain name')
    .argument('[type]', 'record type', 'A')
    .addOption(
      new Option('--server <ip:port>', 'name server to ask; default: the first of the stack')
        .argParser(parseServer)
        .conflicts('region'),
    )
    .option('--region <name>', 'ask the name server of this region')
    .option(
      '--client <network>',
      'send this client subnet, such as 81.2.69.0/24 (EDNS, RFC 7871)',
      parseNetwork,
    )
    .option('--tcp', 'ask over TCP')
    .addHelpText(
      'after',
      '\nExit status 1 when there is no answer, no such name or no such record.',
    )
    .action(lookupName);
}

async function lookupName(name: string, type: string, options: LookupOptions): Promise<void> {
  const { server, answer } = await askNameServers(await nameServers(options), {
    name,
    type: type.toUpperCase(),
    ...(options.client !== undefined && { subnet: options.client }),
    ...(options.tcp && { transport: 'tcp' as const }),
  });
  if (answer.rcode !== 'NOERROR' || answer.answers.length === 0) process.exitCode = 1;
  if (options.json) printJson({ server, ...answer });
  else print(renderAnswer({ name, type: type.toUpperCase() }, answer, server, options.client));
}

async function nameServers({ server, region, state }: LookupOptions): Promise<NameServer[]> {
  if (server) return [server];
  const { findStackOr } = await import('../stack/control/client.ts');
  const { servingNodes } = await import('./stack-servers.ts');
  const stack = findStackOr('a name server with --server', state);
  return servingNodes(stack, region).map(([name, { address, dns }]) => ({
    server: address,
    port: dns,
    region: name,
  }));
}

/** As a resolver does: the next server when one does not answer. */
export async function askNameServers(
  servers: readonly NameServer[],
  question: LookupQuestion,
): Promise<{ server: NameServer; answer: LookupAnswer }> {
  const { lookup } = await import('../dns/client.ts');
  const { firstThatAnswers } = await import('./stack-servers.ts');
  return firstThatAnswers(servers, async (server) => {
    const address = { server: server.server, port: server.port };
    return { server, answer: await lookup({ timeoutMs: 1_000, ...question, ...address }) };
  }).catch((error: unknown) => {
    const code = codeOf(error);
    if (code === 'bad_lookup' || code === 'bad_name') {
      throw new InvalidArgumentError(messageOf(error));
    }
    throw error;
  });
}

/** The SOA of a negative answer is for resolvers: people get a sentence. */
function renderAnswer(
  { name, type }: { name: string; type: string },
  answer: LookupAnswer,
  server: NameServer,
  client: string | undefined,
): string {
  const { rcode, answers, transport, tookMs, ecsScope } = answer;
  const rows = answers.map((record) => {
    return [record.name, `${record.ttl} s`, record.type, String(record.data)];
  });
  const who = server.region === undefined ? '' : ` (${server.region})`;
  const scope = client === undefined ? '' : `, for ${client} (scope /${ecsScope ?? 0})`;
  const summary = `${rcode} from ${server.server}:${server.port}${who} over ${transport.toUpperCase()} in ${tookMs.toFixed(1)} ms${scope}`;
  const found = rows.length > 0 ? table(rows) : absence(name, type, rcode);
  return [found, styled('dim', summary)].join('\n');
}

function absence(name: string, type: string, rcode: string): string {
  if (rcode === 'NXDOMAIN') return `${name} does not exist`;
  if (rcode === 'REFUSED') return `${name} is not in a zone of this server`;
  return rcode === 'NOERROR' ? `${name} has no ${type} record` : `no answer for ${name}`;
}

function parseServer(text: string): NameServer {
  const [server = '', portText = '53', ...rest] = text.split(':');
  const port = Number(portText);
  const isPort = /^\d+$/.test(portText) && port >= 1 && port <= 65_535;
  if (isIPv4(server) && isPort && rest.length === 0) return { server, port, region: undefined };
  throw new InvalidArgumentError('Expected an address and port, such as 127.0.1.1:5300.');
}
