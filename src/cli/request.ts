import { isIP } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import { MeridianError } from '../base/errors.ts';
import type { FoundStack } from '../stack/control/client.ts';
import { bodyOf, exchange, type Response } from './exchange.ts';
import { collectHeader, looksLikeMethod, parseMethod, parseNetwork, parseUrl } from './inputs.ts';
import { addJsonOption, addStateOption, integerBetween, type StackOptions } from './options.ts';
import { print, printJson, styled } from './output.ts';
import type { servingNodes } from './stack-servers.ts';

interface RequestOptions extends StackOptions {
  readonly client?: string;
  readonly region?: string;
  readonly data?: string;
  readonly header?: Readonly<Record<string, string[]>>;
  readonly timeout: number;
}

/** The address that a request goes to, and how it was found. */
interface Destination {
  readonly address: string;
  readonly port: number;
  readonly found: string;
}

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .argument('<method-or-url>', 'method, then URL; GET without one')
    .argument('[url]', 'such as https://api.exchange.test/v1/rates')
    .option('--client <network>', 'look the host up as a client of this network', parseNetwork)
    .option('--region <name>', 'go to this region without a look-up')
    .option('--data <text>', 'body to send, as JSON if it is; makes POST the default method')
    .option('--header <field>', "a field such as 'Name: value'; may be repeated", collectHeader)
    .option('--timeout <seconds>', 'limit for the response to begin', integerBetween(1, 3_600), 10)
    .addHelpText(
      'after',
      '\nLooks the host up at the name servers of the stack, trusts its development CA, and uses\nits ports where the URL names none. Exit status 1 without a response or for one from 400 up.',
    )
    .action(sendRequest);
}

async function sendRequest(
  first: string,
  second: string | undefined,
  options: RequestOptions,
): Promise<void> {
  if (second === undefined && looksLikeMethod(first)) {
    throw new InvalidArgumentError(`the URL is missing after ${first}`);
  }
  const { data, header = {}, timeout } = options;
  const method = second === undefined ? (data === undefined ? 'GET' : 'POST') : parseMethod(first);
  const url = parseUrl(second ?? first);
  const { findStack } = await import('../stack/control/client.ts');
  const stack = findStack(options.state);
  const destination = await findDestination(url, stack, options);
  const { address, port } = destination;
  const authority = `${stack.layout.authority}/ca.pem`;
  const sent = { method, url, address, port, authority, headers: header, data };
  const response = await exchange({ ...sent, timeoutSeconds: timeout });
  const { statusCode = 0 } = response.message;
  if (statusCode >= 400) process.exitCode = 1;
  if (options.json) await printAsJson(url, destination, response);
  else await printForPeople(destination, response);
}

async function findDestination(
  url: URL,
  stack: FoundStack,
  { region, client }: RequestOptions,
): Promise<Destination> {
  const { servingNodes } = await import('./stack-servers.ts');
  const nodes = servingNodes(stack, region);
  const [, { http, https }] = nodes[0]!;
  const port = url.port === '' ? (url.protocol === 'https:' ? https : http) : Number(url.port);
  if (region !== undefined) {
    const address = await firstReachable(nodes);
    return { address, port, found: `region ${region} as asked` };
  }
  if (isIP(url.hostname)) return { address: url.hostname, port, found: 'the address of the URL' };
  const { askNameServers } = await import('./lookup.ts');
  const servers = nodes.map(([name, { address, dns }]) => ({
    server: address,
    port: dns,
    region: name,
  }));
  const { server, answer } = await askNameServers(servers, {
    name: url.hostname,
    type: 'A',
    ...(client !== undefined && { subnet: client }),
  });
  const record = answer.answers.find(({ type }) => type === 'A');
  const asker = client === undefined ? '' : ` as ${client}`;
  const place = `the name server of ${server.region}`;
  if (record) return { address: String(record.data), port, found: `looked up${asker} at ${place}` };
  throw new MeridianError(
    'host_unknown',
    `${place} has no address for ${url.hostname} (${answer.rcode})`,
  );
}

/** Of several nodes, the first that is ready; the only one whatever it says. */
async function firstReachable(nodes: ReturnType<typeof servingNodes>): Promise<string> {
  const [, { address: first }] = nodes[0]!;
  if (nodes.length === 1) return first;
  const { askAdmin } = await import('../stack/admin-client.ts');
  const { firstThatAnswers } = await import('./stack-servers.ts');
  return firstThatAnswers(nodes, async ([, { address, admin }]) => {
    const { status } = await askAdmin(address, admin, '/ready', 1_000);
    if (status === 200) return address;
    throw new MeridianError('admin_refused', `the node at ${address} is not ready`);
  }).catch(() => first);
}

async function printForPeople(
  { address, port, found }: Destination,
  response: Response,
): Promise<void> {
  const { message, tookMs } = response;
  const { statusCode = 0, statusMessage = '' } = message;
  const status = styled(statusCode < 400 ? 'green' : 'red', `${statusCode} ${statusMessage}`);
  const region = message.headers['meridian-region'] ?? 'no region';
  print(`${status} from ${styled('bold', String(region))} in ${tookMs.toFixed(0)} ms`);
  print(styled('dim', `${address}:${port}, ${found}`));
  let last = '';
  for await (const part of bodyOf(message)) {
    process.stdout.write(part);
    last = part;
  }
  if (last !== '' && !last.endsWith('\n')) print('');
}

const maximumJsonBodyBytes = 16 * 1024 * 1024;

async function printAsJson(url: URL, destination: Destination, response: Response): Promise<void> {
  const { message, tookMs } = response;
  let body = '';
  for await (const part of bodyOf(message)) {
    body += part;
    if (body.length > maximumJsonBodyBytes) {
      throw new MeridianError(
        'response_too_large',
        'the body is longer than 16 MiB: leave --json out',
      );
    }
  }
  printJson({
    url: url.href,
    status: message.statusCode,
    region: message.headers['meridian-region'],
    ...destination,
    tookMs,
    headers: message.headers,
    body,
  });
}
