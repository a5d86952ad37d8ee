import { type Command, InvalidArgumentError } from 'commander';
import { MeridianError } from '../base/errors.ts';
import { collectHeader, parseMethod, parseNetwork, parseUrl, withScheme } from './inputs.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { print, printJson } from './output.ts';
import { renderExplanation } from './render-explanation.ts';

interface ExplainOptions extends StackOptions {
  readonly region?: string;
  readonly client?: string;
  readonly header?: Readonly<Record<string, string[]>>;
  readonly listener?: string;
}

const regionHelp = 'ask the node of this region; default: the first that answers';

export function define(command: Command): void {
  addJsonOption(addStateOption(command.command('request')))
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
  addJsonOption(addStateOption(command.command('dns')))
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
  { state, region, json }: ExplainOptions,
): Promise<void> {
  const { findStack } = await import('../stack/control/client.ts');
  const { askAdmin } = await import('../stack/admin-client.ts');
  const { firstThatAnswers, servingNodes } = await import('./stack-servers.ts');
  const path = `/explain/${kind}?${new URLSearchParams(parameters)}`;
  const { status, body } = await firstThatAnswers(
    servingNodes(findStack(state), region),
    ([, { address, admin }]) => askAdmin(address, admin, path, 1_000),
  );
  const answer = JSON.parse(body) as Record<string, unknown>;
  if (status !== 200) {
    const { code = 'admin_refused', detail, title } = answer;
    const message = String(detail ?? title ?? `answered ${status}`);
    // The node knows names, types and URLs best: what it refuses was typed wrongly.
    if (code === 'cannot_explain') throw new InvalidArgumentError(message);
    throw new MeridianError(String(code), message);
  }
  if (json) printJson(answer);
  else print(renderExplanation(answer));
}
