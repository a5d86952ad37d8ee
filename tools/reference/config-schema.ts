import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import type { Generator } from './generator.ts';

/** The JSON Schema with which editors complete and check `meridian.yaml`. */
export const configSchemaFile: Generator = {
  path: 'schema/meridian.schema.json',
  render: () => `${JSON.stringify(configJsonSchema(), withoutNotes, 2)}\n`,
};

/** Notes for the reference page are no keywords of JSON Schema, and strict tools say so. */
function withoutNotes(key: string, value: unknown): unknown {
  return key.startsWith('x-') ? undefined : value;
}
