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
export function fieldsAt(data: unknown, place: readonly string[]): FieldMatch[] {
  const matches: FieldMatch[] = [];
  const path: (string | number)[] = [];
  const enter = (key: string | number, part: unknown): void => {
    path.push(key);
    if (path.length === place.length) matches.push({ path: [...path], value: part });
    else if (typeof part === 'object' && part !== null) look(part);
    path.pop();
  };
  const look = (holder: object): void => {
    const step = place[path.length]!;
    if (step !== '*') {
      if (Object.hasOwn(holder, step)) enter(step, (holder as Record<string, unknown>)[step]);
    } else if (Array.isArray(holder)) {
      for (let index = 0; index < holder.length; index++) enter(index, holder[index]);
    } else for (const [key, part] of Object.entries(holder)) enter(key, part);
  };
  if (typeof data === 'object' && data !== null) look(data);
  return matches;
}
