import type { Operation, ParameterRule } from './operations.ts';
import { refuse } from './problems.ts';

export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** What a query gives to an operation, with its defaults. @throws MeridianError `bad_parameter` */
export function parametersOf(query: string, { query: rules, path }: Operation): Parameters {
  const given = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!Object.hasOwn(rules, name)) {
      const known = Object.keys(rules).join(', ') || 'none';
      refuse('bad_parameter', `unknown parameter; ${path} has: ${known}`);
    }
    if (given.has(name)) refuse('bad_parameter', `${name} is given twice`);
    given.set(name, value);
  }
  return Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, parsedValue(name, given.get(name), rule)]),
  );
}

function parsedValue(name: string, text: string | undefined, rule: ParameterRule) {
  if (text === undefined) return rule.default;
  if (rule.type === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true';
    return refuse('bad_parameter', `${name}: expected true or false`);
  }
  if (rule.type === 'integer') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = rule;
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    return refuse(
      'bad_parameter',
      `${name}: expected a whole number from ${minimum} to ${maximum}`,
    );
  }
  if (rule.values && !rule.values.includes(text)) {
    return refuse('bad_parameter', `${name}: expected ${rule.values.join(' or ')}`);
  }
  if (text.length > 4_096) return refuse('bad_parameter', `${name}: too long`);
  return text;
}
