import { staticCount, staticTable } from './static-table.ts';

/** What is known of a name before it is first sent. */
export interface FieldTraits {
  /** Index of its first static entry; 0: none. */
  readonly firstStatic: number;
  /** How many static entries of it have a value. They follow each other. */
  readonly staticValues: number;
  readonly use: 'index' | 'varying' | 'secret';
}

/** Another value each time: only the name is worth an entry. */
const varyingNames = new Set([
  ...[':path', 'content-length', 'etag', 'age', 'last-modified', 'location', 'expires'],
  ...['if-modified-since', 'if-none-match', 'range', 'content-range', 'referer'],
  ...['x-request-id', 'traceparent', 'tracestate', 'grpc-timeout', 'grpc-message'],
]);

/**
 * Worth guessing, by somebody who sends fields on the same connection and sees how long blocks get:
 * nobody on the way may put them into a table either (RFC 7541 section 7.1.3).
 */
const secretNames = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'set-cookie'],
  ...['x-api-key', 'x-auth-token', 'x-access-token', 'x-csrf-token', 'x-xsrf-token'],
]);

const ordinary: FieldTraits = Object.freeze({ firstStatic: 0, staticValues: 0, use: 'index' });
const known = buildTraits();

export function traitsOf(name: string): FieldTraits {
  return known.get(name) ?? ordinary;
}

function buildTraits(): ReadonlyMap<string, FieldTraits> {
  const traits = new Map<string, FieldTraits>();
  for (let index = 1; index <= staticCount; index++) {
    const name = staticTable[2 * index - 2]!;
    const { firstStatic, staticValues } = traits.get(name) ?? { ...ordinary, firstStatic: index };
    const values = staticTable[2 * index - 1] === '' ? staticValues : staticValues + 1;
    traits.set(name, { firstStatic, staticValues: values, use: 'index' });
  }
  for (const name of varyingNames)
    traits.set(name, { ...(traits.get(name) ?? ordinary), use: 'varying' });
  for (const name of secretNames)
    traits.set(name, { ...(traits.get(name) ?? ordinary), use: 'secret' });
  return traits;
}
