import { type Command, InvalidArgumentError } from 'commander';
import { MeridianError } from '../base/errors.ts';
import { parseMethod, parseNetwork, parseUrl, withScheme } from './inputs.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { print, printJson } from './output.ts';
import { renderExplanation } from './render-explanation.ts';

interface ExplainOptions extends StackOptions {
  readonly region?: string;
  readonly client?: string;
}

const regionHelp = 'ask the node of this region; default: the first that answers';

export function define(command: Command): void {
  addJsonOption(addStateOption(command.command('request')))
    .description('where a request would go, and why')
    .argument('<method>', 'such as GET', parseMethod)
    .argument('<url>', 'such as http://api.exchange.test/v1/rates')
    .option('--region <name>', regionHelp)
    .action((method: string, url: string, options: ExplainOptions) =>
      explain('request', { method, url: requestUrl(url) }, options),
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
