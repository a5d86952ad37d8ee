import { colouredState, styled, table } from './output.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * An explanation as the admin API gives it, for people: plain facts as aligned lines, a
 * list of like things as a table, the rest indented below its name. It follows the shape of
 * the data, so that a new fact in an explanation shows without a change here.
 */
export function renderExplanation(explanation: Fields): string {
  return renderFields(explanation, '').join('\n');
}

function renderFields(fields: Fields, indent: string): string[] {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  const plain = entries.filter(([, value]) => isPlain(value));
  const nested = entries.filter(([, value]) => !isPlain(value));
  const facts = plain.map(([name, value]) => [styled('dim', label(name)), cell(value)]);
  return [
    ...(facts.length > 0 ? indented(table(facts), indent) : []),
    ...nested.flatMap(([name, value]) => [
      '',
      `${indent}${styled('bold', label(name))}`,
      ...renderNested(value, `${indent}  `),
    ]),
  ];
}

function renderNested(value: unknown, indent: string): string[] {
  if (!Array.isArray(value)) return renderFields(value as Fields, indent);
  const items = value.filter(isFields);
  const isTable = items.every((item) => Object.values(item).every(isPlain));
  if (!isTable) return items.flatMap((item) => renderFields(item, indent));
  const columns = [...new Set(items.flatMap((item) => Object.keys(item)))];
  const rows = items.map((item) => columns.map((column) => cell(item[column])));
  return indented(
    table(
      rows,
      columns.map((column) => label(column).toUpperCase()),
    ),
    indent,
  );
}

/** `lastResort` → `last resort`. */
function label(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function cell(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(String).join(', ');
  if (value === undefined || value === null) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(Math.round(value * 10) / 10);
  return value === 'healthy' || value === 'unhealthy' || value === 'unknown'
    ? colouredState(value)
    : String(value);
}

function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((member) => !isFields(member));
  return !isFields(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function indented(text: string, indent: string): string[] {
  return text.split('\n').map((line) => indent + line);
}
