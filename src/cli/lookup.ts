import { isIPv4 } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import type { LookupAnswer, LookupQuestion } from '../dns/client.ts';
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
    .option(
      '--server <ip:port>',
      'name server to ask; default: the first of the stack',
      parseServer,
    )
    .option('--region <name>', 'ask the name server of this region')
    .option('--client <network>', 'send this client subnet, such as 81.2.69.0/24 (EDNS, RFC 7871)')
    .option('--tcp', 'ask over TCP')
    .addHelpText('after', '\nExit status 1 when there is no answer or its code is not NOERROR.')
    .action(lookupName);
}

async function lookupName(name: string, type: string, options: LookupOptions): Promise<void> {
  const { server, answer } = await askNameServers(await nameServers(options), {
    name,
    type: type.toUpperCase(),
    ...(options.client !== undefined && { subnet: options.client }),
    ...(options.tcp && { transport: 'tcp' as const }),
  });
  if (answer.rcode !== 'NOERROR') process.exitCode = 1;
  if (options.json) printJson({ server, ...answer });
  else print(renderAnswer(answer, server, options.client));
}

async function nameServers({ server, region, state }: LookupOptions): Promise<NameServer[]> {
  if (server) return [server];
  const { findStack } = await import('../stack/control/client.ts');
  const { servingRegions } = await import('./stack-servers.ts');
  return servingRegions(findStack(state), region).map(([name, { address, dns }]) => ({
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
  });
}

function renderAnswer(
  answer: LookupAnswer,
  server: NameServer,
  client: string | undefined,
): string {
  const { rcode, answers, authority, transport, tookMs, ecsScope } = answer;
  const shown = answers.length > 0 ? answers : authority;
  const rows = shown.map(({ name, ttl, type, data }) => [name, `${ttl} s`, type, String(data)]);
  const who = server.region === undefined ? '' : ` (${server.region})`;
  const scope = client === undefined ? '' : `, for ${client} (scope /${ecsScope ?? 0})`;
  const what = rcode === 'NOERROR' && answers.length === 0 ? 'NOERROR, no such record' : rcode;
  const summary = `${what} from ${server.server}:${server.port}${who} over ${transport.toUpperCase()} in ${tookMs.toFixed(1)} ms${scope}`;
  return [...(rows.length > 0 ? [table(rows)] : []), styled('dim', summary)].join('\n');
}

function parseServer(text: string): NameServer {
  const [server = '', portText = '53', ...rest] = text.split(':');
  const port = Number(portText);
  const isPort = /^\d+$/.test(portText) && port >= 1 && port <= 65_535;
  if (isIPv4(server) && isPort && rest.length === 0) return { server, port, region: undefined };
  throw new InvalidArgumentError('Expected an address and port, such as 127.0.1.1:5300.');
}
