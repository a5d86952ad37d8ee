import {
  alternatives,
  configJsonSchema,
  type JsonSchema,
} from '../../src/config/schema/json-schema.ts';
import type { Generator } from './generator.ts';

/** The page with every field of the configuration. */
export const configPage: Generator = {
  path: 'docs/reference/configuration.md',
  render: () => {
    const sections = sectionsOf('', '', configJsonSchema());
    // Fields that all forms of a union have come with each of them, in the same words.
    return [introduction, ...new Set(sections.map(renderSection))].join('\n');
  },
};

const introduction = [
  '# Configuration reference',
  '',
  'Made from the schema by `npm run generate`; the guide is [here](../guides/configuration.md).',
  '',
  'A configuration is YAML (`meridian.yaml`) or TypeScript (`meridian.config.ts`). Unknown fields',
  'are errors. Durations are written with their unit: `500ms`, `5s`, `10m`, `1h`, `30d`; sizes too:',
  '`64KiB`, `10MiB`. For completion in an editor, begin the file with',
  '',
  '```yaml',
  '# yaml-language-server: $schema=./node_modules/meridian-gateway/schema/meridian.schema.json',
  '```',
  '',
].join('\n');

/** The fields of one mapping. */
interface Section {
  /** `services.NAME.check`; empty for the file itself. */
  readonly place: string;
  readonly about: string;
  readonly schema: JsonSchema;
}

/** A mapping, then those within it, in the order of the schema. */
function sectionsOf(place: string, about: string, schema: JsonSchema): Section[] {
  const forms = alternatives(schema).flatMap((form) => nestedMappings(place, form));
  return forms.flatMap((form) => {
    const title = forms.length > 1 ? `${form.place}${variantOf(form.schema)}` : form.place;
    const section = { place: title, about: schema.description ?? about, schema: form.schema };
    const inner = Object.entries(form.schema.properties ?? {}).flatMap(([name, field]) =>
      sectionsOf(form.place === '' ? name : `${form.place}.${name}`, '', field),
    );
    return [section, ...inner];
  });
}

/** The mappings with fields that a value of the schema is, or that it is a list or map of. */
function nestedMappings(place: string, schema: JsonSchema): Omit<Section, 'about'>[] {
  if (schema.properties) return [{ place, schema }];
  if (schema.items) {
    return alternatives(schema.items).flatMap((item) => nestedMappings(`${place}[]`, item));
  }
  return typeof schema.additionalProperties === 'object'
    ? alternatives(schema.additionalProperties).flatMap((part) =>
        nestedMappings(`${place}.NAME`, part),
      )
    : [];
}

/** What tells one form of a union from the others: its constant field. */
function variantOf({ properties }: JsonSchema): string {
  const constant = Object.entries(properties ?? {}).find(([, field]) => field.const !== undefined);
  return constant ? ` (${constant[0]}: ${constant[1].const})` : '';
}

function renderSection({ place, about, schema }: Section): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const required = schema.required?.includes(name) ?? false;
    const cells = [code(name), typeText(field), defaultText(field, required), field.description];
    return `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const head = ['| field | type | default | meaning |', '|---|---|---|---|'];
  const title = place === '' ? '## The file' : `## ${code(place)}`;
  return [title, '', ...(about ? [about, ''] : []), ...head, ...rows, ''].join('\n');
}

function defaultText(field: JsonSchema, required: boolean): string {
  if (required) return '**required**';
  if (field.default === undefined) return '';
  const text = JSON.stringify(field.default).replace(/^"(.*)"$/, '$1');
  return text === '{}' || text === '[]' ? '' : code(text);
}

function typeText(schema: JsonSchema): string {
  return [...new Set(alternatives(schema).map(formText))].join(' or ');
}

const formats: Readonly<Record<string, string>> = {
  ipv4: 'IPv4 address',
  cidrv4: 'IPv4 network',
  cidrv6: 'IPv6 network',
};

function formText(schema: JsonSchema): string {
  if (schema['x-size']) return `size, ${schema['x-size'].join(' to ')}`;
  if (schema['x-duration']) return `duration, ${schema['x-duration'].join(' to ')}`;
  if (schema.const !== undefined) return code(`${schema.const}`);
  if (schema.enum) return schema.enum.map((value) => code(`${value}`)).join(', ');
  if (schema.items) return `list of ${typeText(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') {
    const parts = typeText(schema.additionalProperties);
    return parts === 'map' ? 'map by name' : `map by name of ${parts}`;
  }
  if (schema.type === 'object') return 'map';
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer' || schema.type === 'number') return numberText(schema);
  return formats[schema.format ?? ''] ?? 'text';
}

function numberText({ type, minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const kind = type === 'integer' ? 'whole number' : 'number';
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum}, up to ${maximum}`;
  return minimum === undefined ? kind : `${kind}, ${minimum} to ${maximum}`;
}

function code(text: string): string {
  return `\`${text}\``;
}
