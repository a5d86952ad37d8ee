import { z } from 'zod';
import { type FieldPath, valueAt } from '../field-path.ts';
import { configSchema } from './config.ts';

/** The part of JSON Schema (2020-12) that the configuration's schema uses. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  /** How an operator would write the limits of a duration or size; for documentation only. */
  readonly 'x-duration'?: readonly [least: string, most: string];
  readonly 'x-size'?: readonly [least: string, most: string];
}

/** The schema of what an operator may write, for editors and for documentation. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;
}

/** The names of the fields that may stand in `data` at `path`. */
export function fieldNamesAt(root: JsonSchema, path: FieldPath, data: unknown): string[] {
  let schemas = alternatives(root);
  for (const [depth, step] of path.entries()) {
    const value = valueAt(data, path.slice(0, depth + 1));
    schemas = schemas
      .flatMap((schema) => (typeof step === 'number' ? schema.items : fieldOf(schema, step)) ?? [])
      .flatMap(alternatives)
      .filter((schema) => isChosen(schema, value));
  }
  return schemas.flatMap(({ properties }) => Object.keys(properties ?? {}));
}

/** Whether a form of a union fits the constant field that tells it from the others. */
function isChosen({ properties }: JsonSchema, value: unknown): boolean {
  return Object.entries(properties ?? {}).every(([name, field]) => {
    const given = valueAt(value, [name]);
    return field.const === undefined || given === undefined || given === field.const;
  });
}

export function alternatives(schema: JsonSchema): JsonSchema[] {
  const branches = schema.oneOf ?? schema.anyOf;
  return branches ? branches.flatMap(alternatives) : [schema];
}

function fieldOf(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties, additionalProperties } = schema;
  if (properties && Object.hasOwn(properties, name)) return properties[name];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}
