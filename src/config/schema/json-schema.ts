import { z } from 'zod';
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
  /** How an operator would write the limits of a duration; for documentation only. */
  readonly 'x-duration'?: readonly [least: string, most: string];
}

/** The schema of what an operator may write, for editors and for documentation. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;
}

/** What may stand at `path`: several schemas where alternatives are allowed, none off the model. */
export function schemasAt(root: JsonSchema, path: readonly (string | number)[]): JsonSchema[] {
  let schemas = alternatives(root);
  for (const step of path) {
    schemas = schemas.flatMap((schema) => {
      const next = typeof step === 'number' ? schema.items : fieldOf(schema, step);
      return next ? alternatives(next) : [];
    });
  }
  return schemas;
}

/** The names of the fields that may stand at `path`. */
export function fieldNamesAt(root: JsonSchema, path: readonly (string | number)[]): string[] {
  return schemasAt(root, path).flatMap(({ properties }) => Object.keys(properties ?? {}));
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
