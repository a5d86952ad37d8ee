import { type ProblemDefinition, problems } from '../../src/gateway/exchange/problems.ts';
import type { Generator } from './generator.ts';

/** The page with every error that a gateway answers by itself. */
export const errorsPage: Generator = {
  path: 'docs/reference/errors.md',
  render: () =>
    [
      '# Error reference',
      '',
      'Made from the registry by `npm run generate`. What a gateway answers by itself is',
      '`application/problem+json` (RFC 9457) with these codes, which are stable, and the id of the',
      'request. *Source* is whose fault it is; *retry* says whether the same request may succeed when',
      'it is sent again.',
      '',
      '| code | status | source | retry | title | meaning |',
      '|---|---|---|---|---|---|',
      ...Object.entries(problems).map(([code, definition]) => row(code, definition)),
      '',
    ].join('\n'),
};

function row(code: string, definition: ProblemDefinition): string {
  const { status, source, retryable, title, meaning } = definition;
  const cells = [`\`${code}\``, status, source, retryable ? 'yes' : 'no', title, meaning];
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}
