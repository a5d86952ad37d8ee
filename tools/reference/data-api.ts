import { apiDocument } from '../../src/data/server/openapi.ts';
import type { Generator } from './generator.ts';

/** The document of the data API, for tools that make clients or pages of it. */
export const dataApiFile: Generator = {
  path: 'docs/reference/data-api.json',
  render: () => `${JSON.stringify(apiDocument(), undefined, 2)}\n`,
};
