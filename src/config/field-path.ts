/** Keys and indices from the root of the configuration to a field. */
export type FieldPath = readonly (string | number)[];

const plainName = /^[A-Za-z0-9_-]+$/;

/** `['zones', 'a.test', 'records', 2, 'ttl']` → `zones["a.test"].records[2].ttl`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!plainName.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The value at `path` of plain data, or `undefined` where the data end earlier. */
export function valueAt(data: unknown, path: FieldPath): unknown {
  let value = data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
      return undefined;
    }
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

export interface FieldMatch {
  readonly path: FieldPath;
  readonly value: unknown;
}

/** Every field of plain data at a place; `*` in it is each field of a mapping or item of a list. */
export function* fieldsAt(
  data: unknown,
  [step, ...rest]: readonly string[],
  path: FieldPath = [],
): Iterable<FieldMatch> {
  if (step === undefined) {
    yield { path, value: data };
    return;
  }
  if (typeof data !== 'object' || data === null) return;
  const list = Array.isArray(data);
  for (const [key, part] of Object.entries(data)) {
    if (step === '*' || step === key) {
      yield* fieldsAt(part, rest, [...path, list ? Number(key) : key]);
    }
  }
}
