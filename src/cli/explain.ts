import { type Command, InvalidArgumentError } from 'commander';
import { codeOf, MeridianError, messageOf } from '../base/errors.ts';
import { type AdminOptions, addAskOptions, connectAdmin, namedAdmin } from './admin-connection.ts';
import { collectHeader, parseMethod, parseNetwork, parseUrl, withScheme } from './inputs.ts';
import { print, printJson } from './output.ts';
import { renderExplanation } from './render-explanation.ts';

interface ExplainOptions extends AdminOptions {
  readonly region?: string;
  readonly client?: string;
  readonly header?: Readonly<Record<string, string[]>>;
  readonly listener?: string;
}

const regionHelp = 'ask the node of this region; default: the first that answers';

export function define(command: Command): void {
  addAskOptions(command.command('request'))
    .description('where a request would go, and why')
    .argument('<method>', 'such as GET', parseMethod)
    .argument('<url>', 'such as http://api.exchange.test/v1/rates')
    .option('--client <ip>', 'address of the client; default: 127.0.0.1')
    .option('--header <field>', "a field such as 'Name: value'; may be repeated", collectHeader)
    .option('--listener <name>', 'by which it comes in; default: as the URL says')
    .option('--region <name>', regionHelp)
    .action((method: string, url: string, options: ExplainOptions) =>
      explain('request', { method, url: requestUrl(url), ...told(options) }, options),
    );
  addAskOptions(command.command('dns'))
    .description('what a client would be answered, and why')
    .argument('<name>', 'domain name')
    .argument('[type]', 'record type', 'A')
    .option('--client <ip>', 'address or network of the client', parseNetwork)
    .option('--region <name>', regionHelp)
    .action((name: string, type: string, options: ExplainOptions) => {
      const client = options.client === undefined ? {} : { client: options.client };
      return explain('dns', { name, type: type.toUpperCase(), ...client }, options);
    });
}

/** What else is known of the request. */
function told({ client, header, listener }: ExplainOptions): Record<string, string> {
  const lines = Object.entries(header ?? {}).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}`),
  );
  return {
    ...(client !== undefined && { client }),
    ...(lines.length > 0 && { headers: lines.join('\n') }),
    ...(listener !== undefined && { listener }),
  };
}

/** As it was written: how a path is made canonical is part of the explanation. */
function requestUrl(text: string): string {
  parseUrl(text);
  return withScheme(text);
}

async function explain(
  kind: 'request' | 'dns',
  parameters: Record<string, string>,
  options: ExplainOptions,
): Promise<void> {
  const path = `/explain/${kind}?${new URLSearchParams(parameters)}`;
  try {
    const answer = await ask(path, options);
    if (options.json) printJson(answer);
    else print(renderExplanation(answer));
  } catch (error) {
    // The node knows names, types and URLs best: what it refuses was typed wrongly.
    if (codeOf(error) !== 'cannot_explain') throw error;
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** The node that was named, or one of the stack. */
async function ask(path: string, options: ExplainOptions): Promise<Record<string, unknown>> {
  const { admin, region } = options;
  if (admin !== undefined || (region === undefined && namedAdmin(options) !== undefined)) {
    return (await (await connectAdmin(options)).get(path)) as Record<string, unknown>;
  }
  const { findStackOr } = await import('../stack/control/client.ts');
  const { askAdmin } = await import('../stack/admin-client.ts');
  const { firstThatAnswers, servingNodes } = await import('./stack-servers.ts');
  const { status, body } = await firstThatAnswers(
    servingNodes(findStackOr('a node with --admin', options.state), region),
    ([, { address, admin }]) => askAdmin(address, admin, path, 1_000),
  );
  const answer = JSON.parse(body) as Record<string, unknown>;
  if (status === 200) return answer;
  const { code = 'admin_refused', detail, title } = answer;
  throw new MeridianError(String(code), String(detail ?? title ?? `answered ${status}`));
}
