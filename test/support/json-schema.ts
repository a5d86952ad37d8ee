type Schema = Readonly<Record<string, unknown>>;

/**
 * What is wrong with a value by a JSON Schema, a sentence each, with its place. Knows the
 * keywords that the documents here use; any other is an error of the test.
 */
export function schemaFaults(value: unknown, schema: Schema, root: Schema, at = '$'): string[] {
  const faults: string[] = [];
  for (const [keyword, rule] of Object.entries(schema)) {
    const check = keywords[keyword];
    if (!check) throw new Error(`the keyword ${keyword} is not known here`);
    faults.push(...check({ value, rule, schema, root, at }));
  }
  return faults;
}

interface Question {
  readonly value: unknown;
  readonly rule: unknown;
  readonly schema: Schema;
  readonly root: Schema;
  readonly at: string;
}

const none = () => [];
const when = (wrong: boolean, fault: string) => (wrong ? [fault] : []);

const keywords: Readonly<Record<string, (question: Question) => string[]>> = {
  description: none,
  default: none,
  $ref: ({ value, rule, root, at }) => schemaFaults(value, resolve(String(rule), root), root, at),
  type: ({ value, rule, at }) =>
    when(![rule].flat().some((type) => typesOf(value).includes(type as string)), `${at}: ${rule}`),
  const: ({ value, rule, at }) => when(value !== rule, `${at}: expected ${rule}`),
  enum: ({ value, rule, at }) => when(!(rule as unknown[]).includes(value), `${at}: ${rule}`),
  pattern: ({ value, rule, at }) =>
    when(typeof value === 'string' && !new RegExp(String(rule)).test(value), `${at}: ${rule}`),
  contentEncoding: ({ value, at }) =>
    when(Buffer.from(String(value), 'base64').toString('base64') !== value, `${at}: base64`),
  minLength: ({ value, rule, at }) => when(String(value).length < Number(rule), `${at}: short`),
  maxLength: ({ value, rule, at }) => when(String(value).length > Number(rule), `${at}: long`),
  minimum: ({ value, rule, at }) => when(Number(value) < Number(rule), `${at}: below ${rule}`),
  minItems: ({ value, rule, at }) => when((value as []).length < Number(rule), `${at}: few`),
  maxItems: ({ value, rule, at }) => when((value as []).length > Number(rule), `${at}: many`),
  items: ({ value, rule, root, at }) =>
    (value as unknown[]).flatMap((item, index) =>
      schemaFaults(item, rule as Schema, root, `${at}[${index}]`),
    ),
  required: ({ value, rule, at }) =>
    (rule as string[]).flatMap((name) =>
      when(!Object.hasOwn(value as object, name), `${at}: no ${name}`),
    ),
  properties: ({ value, rule, root, at }) =>
    Object.entries(value as object).flatMap(([name, field]) => {
      const schema = (rule as Record<string, Schema>)[name];
      return schema ? schemaFaults(field, schema, root, `${at}.${name}`) : [];
    }),
  additionalProperties: ({ value, rule, schema, root, at }) =>
    Object.entries(value as object).flatMap(([name, field]) => {
      if (Object.hasOwn((schema.properties ?? {}) as object, name)) return [];
      if (rule === false) return [`${at}: unknown ${name}`];
      return schemaFaults(field, rule as Schema, root, `${at}.${name}`);
    }),
};

function typesOf(value: unknown): string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}

function resolve(reference: string, root: Schema): Schema {
  let node: unknown = root;
  for (const step of reference.split('/').slice(1)) node = (node as Record<string, unknown>)[step];
  return node as Schema;
}
