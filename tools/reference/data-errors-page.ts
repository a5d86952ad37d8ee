import { type DataProblemDefinition, dataProblems } from '../../src/data/server/problems.ts';
import type { Generator } from './generator.ts';

/** The page with every error that the data API answers. */
export const dataErrorsPage: Generator = {
  path: 'docs/reference/data-errors.md',
  render: () =>
    [
      '# Errors of the data API',
      '',
      'Made from the registry by `npm run generate`. Each is `application/problem+json` (RFC 9457) with',
      'its stable `code`, a `detail`, and `retryable`: whether the same request may succeed when it is',
      'sent again. Of a write, `outcome` says what is known: `none`, nothing was stored, or `unknown`, it',
      'may have been, or may be later. Answers of 429 and 503 have `Retry-After`.',
      '',
      '| code | status | `retryable` | when | what to do |',
      '|---|---|---|---|---|',
      ...Object.entries(dataProblems).map(([code, definition]) => row(code, definition)),
      '',
      'The client of `meridian-gateway/data` adds `connection_failed`, `timeout` and `unexpected_answer`, where',
      'nobody or somebody else answered; of a write their `outcome` counts in the same way.',
      '',
    ].join('\n'),
};

function row(code: string, { status, retryable, meaning, advice }: DataProblemDefinition): string {
  const cells = [`\`${code}\``, status, String(retryable), meaning, advice];
  return `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
}
