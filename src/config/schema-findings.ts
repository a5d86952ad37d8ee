import type { z } from 'zod';
import type { Finding } from './config-error.ts';
import { type FieldPath, valueAt } from './field-path.ts';
import { nearestName } from './nearest-name.ts';
import { configJsonSchema, fieldNamesAt, type JsonSchema } from './schema/json-schema.ts';

type Issue = z.core.$ZodIssue;

/** Words for what the schema found, used wherever the schema itself gives none. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `${missing}expected ${typeName(issue.expected)}`;
      return `expected ${typeName(issue.expected)}, got ${nameOf(issue.input)}`;
    case 'invalid_value':
      return `expected ${listOf(issue.values)}, got ${nameOf(issue.input)}`;
    case 'invalid_union':
      return Array.isArray(issue.options)
        ? `expected ${listOf(issue.options)}, got ${nameOf(discriminatorOf(issue))}`
        : `got ${nameOf(issue.input)}, which is none of the allowed forms`;
    case 'too_small':
      if (issue.origin === 'array') return 'expected at least one item';
      if (issue.origin === 'string') return 'expected text, got an empty one';
      return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}, got ${nameOf(issue.input)}`;
    case 'too_big':
      return `expected at most ${issue.maximum}, got ${nameOf(issue.input)}`;
    case 'invalid_format':
      return `expected ${formatNames[issue.format] ?? 'another form'}, got ${nameOf(issue.input)}`;
    default:
      return 'not allowed here';
  }
}

/** What the schema found, one finding per mistake, with the names that were likely meant. */
export function schemaFindings(error: z.ZodError, data: unknown): Finding[] {
  let schema: JsonSchema | undefined;
  const knownFields = (path: FieldPath) => {
    schema ??= configJsonSchema();
    return fieldNamesAt(schema, path, data);
  };
  const findings = error.issues.flatMap((issue) => findingsOf(issue, [], knownFields));
  return withoutEchoes(findings);
}

/**
 * One mistake, one finding: a misspelt field is missing under its right name too, and a
 * value that has the wrong form fails the checks of its content as well.
 */
function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const meant = new Set(
    findings
      .filter(({ message }) => message === unknownField)
      .map(({ path, suggestion }) => JSON.stringify([...path.slice(0, -1), suggestion])),
  );
  const first = new Map<string, Finding>();
  for (const finding of findings) {
    const place = JSON.stringify(finding.path);
    const echo = finding.message.startsWith(missing) && meant.has(place);
    if (!echo && !first.has(place)) first.set(place, finding);
  }
  return [...first.values()];
}

const missing = 'missing; ';
const unknownField = 'unknown field';

function findingsOf(
  issue: Issue,
  prefix: FieldPath,
  knownFields: (path: FieldPath) => string[],
): Finding[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: unknownField,
      suggestion: nearestName(key, known),
    }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, at: 'key', message: issue.issues[0]?.message ?? 'not a possible name' }];
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return closestBranch(issue.errors).flatMap((inner) => findingsOf(inner, path, knownFields));
  }
  const { message } = issue;
  const at = message.startsWith(missing) ? 'key' : 'value';
  return [{ path, at, message, suggestion: suggestValue(issue) }];
}

/** Of a union, the findings of the form that the operator seems to have chosen. */
function closestBranch(branches: readonly Issue[][]): readonly Issue[] {
  const ofRightType = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  return ofRightType[0] ?? branches[0] ?? [];
}

function suggestValue(issue: Issue): string | undefined {
  const options = issue.code === 'invalid_union' && 'options' in issue ? issue.options : undefined;
  const allowed = issue.code === 'invalid_value' ? issue.values : options;
  const given = options ? discriminatorOf(issue) : issue.input;
  return Array.isArray(allowed) && typeof given === 'string'
    ? nearestName(given, allowed.map(String))
    : undefined;
}

/** The value that should have told which form of a union was meant. */
function discriminatorOf(issue: { input?: unknown; discriminator?: unknown }): unknown {
  return valueAt(issue.input, [String(issue.discriminator)]);
}

const formatNames: Readonly<Record<string, string>> = {
  ipv4: 'an IPv4 address, such as "192.0.2.1"',
  cidrv4: 'a network, such as "192.0.2.0/24" or "2001:db8::/32"',
  cidrv6: 'a network, such as "192.0.2.0/24" or "2001:db8::/32"',
  starts_with: 'text that starts with "/"',
};

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map of fields',
    record: 'a map of names',
  };
  return names[expected] ?? expected;
}

const shownCharacters = 60;

/** A value as far as it helps to find it. */
function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

function listOf(values: readonly unknown[]): string {
  const names = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)));
  const last = names.pop();
  return names.length === 0 ? `${last}` : `${names.join(', ')} or ${last}`;
}
