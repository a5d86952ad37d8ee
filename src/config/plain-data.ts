import type { Finding } from './config-error.ts';

/** Deeper than any configuration; keeps every later walk within the call stack. */
const maximumDepth = 64;
/** About 400,000 routes; stops a small file that grows by aliases of aliases. */
const maximumValues = 4_000_000;

export interface PlainData {
  readonly data: unknown;
  readonly findings: readonly Finding[];
}

/**
 * A copy of `value` that holds only what JSON can: no cycles, functions, class
 * instances or a field that would set the prototype; fields set to `undefined` are left out. What does not
 * fit is a finding and missing from the copy.
 */
export function plainData(value: unknown): PlainData {
  const findings: Finding[] = [];
  const path: (string | number)[] = [];
  const open = new Set<object>();
  let values = 0;

  const refuse = (message: string, at: 'key' | 'value' = 'value') => {
    findings.push({ path: [...path], at, message });
    return undefined;
  };

  const copy = (part: unknown): unknown => {
    if (++values > maximumValues) {
      if (values === maximumValues + 1) refuse(`more than ${maximumValues} values from here on`);
      return undefined;
    }
    if (part === null || typeof part === 'string' || typeof part === 'boolean') return part;
    if (typeof part === 'number') return part;
    if (typeof part !== 'object') return refuse(`expected plain data, got a ${typeof part}`);
    if (open.has(part)) return refuse('contains itself');
    if (path.length >= maximumDepth) return refuse('nested too deeply');
    open.add(part);
    const copied = Array.isArray(part) ? copyArray(part) : copyObject(part);
    open.delete(part);
    return copied;
  };

  const copyArray = (part: readonly unknown[]): unknown[] =>
    Array.from(part, (item, index) => {
      path.push(index);
      const copied = item === undefined ? refuse('missing') : copy(item);
      path.pop();
      return copied;
    });

  const copyObject = (part: object): unknown => {
    const prototype = Object.getPrototypeOf(part);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      return refuse(
        `expected plain data, got a ${prototype.constructor?.name ?? 'class instance'}`,
      );
    }
    const copied: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(part)) {
      if (item === undefined) continue;
      path.push(name);
      if (name === '__proto__') refuse('a reserved word cannot be a name', 'key');
      else copied[name] = copy(item);
      path.pop();
    }
    return copied;
  };

  return { data: copy(value), findings };
}
