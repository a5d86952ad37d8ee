/** Whether a value from outside is an object with these fields and no others. */
export function hasExactly<Field extends string>(
  value: unknown,
  fields: readonly Field[],
): value is Record<Field, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return (
    Object.keys(value).length === fields.length &&
    fields.every((field) => Object.hasOwn(value, field))
  );
}
