/**
 * What stands in the store under the name of an exclusive set. Its revision is what
 * compare-and-set goes by; that of the write which began a tenure is the fencing token.
 *
 *   { version: 1, holder: 'eu-west-1', token: 4711, since: …,
 *     nodes: { 'eu-west-1-a': { leaseMs: 5000, hold: false, follows: 4807 }, … }, to?: 'us-east-1' }
 *
 * `nodes` are those of the holder that may be active: each puts itself in with the terms that
 * it keeps to, and out once it has stopped. Without any the lease is free at once.
 */
export interface LeaseDocument {
  /** The region. */
  readonly holder: string;
  /** `undefined`: the revision of this very write. */
  readonly token: number | undefined;
  /** Wall time at which the tenure began, for people. */
  readonly since: number;
  readonly nodes: Readonly<Record<string, Terms>>;
  /** Who is to have it next: the holder stops for it, and others leave it the way. */
  readonly to: string | undefined;
  /**
   * After the store was set back, while its revisions are lower: the highest that who wrote this
   * knew. So those who know no higher one take it for newer than what they know.
   */
  readonly highest: number | undefined;
}

/** What a node of the holder keeps to. */
export interface Terms {
  readonly leaseMs: number;
  /** It goes on after the end of its lease while the store is out of reach. */
  readonly hold: boolean;
  /** The revision that its last write followed: another one is a sign of life. */
  readonly follows?: number | undefined;
}

/** A document of some revision; without one: deleted, never there, or not readable. */
export interface LeaseEntry {
  /** 0: the key was never written. */
  readonly revision: number;
  readonly document: LeaseDocument | undefined;
}

/** More could not be read back. */
export const mostNodes = 64;
export const longestLeaseMs = 3_600_000;
const nameText = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

export function encodeLease(document: LeaseDocument): Uint8Array {
  const { holder, token, since, nodes, to, highest } = document;
  return Buffer.from(JSON.stringify({ version: 1, holder, token, since, nodes, to, highest }));
}

/** `undefined` for what is no such document: nobody is known to hold the lease then. */
export function parseLease(value: Uint8Array): LeaseDocument | undefined {
  if (value.byteLength > 16_384) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(Buffer.from(value).toString());
  } catch {
    return undefined;
  }
  if (!isFields(data) || data.version !== 1) return undefined;
  const { holder, token, since, to, highest } = data;
  const nodes = parseNodes(data.nodes);
  const isRight =
    isName(holder) &&
    (token === undefined || isCount(token)) &&
    isCount(since) &&
    (to === undefined || isName(to)) &&
    (highest === undefined || isCount(highest)) &&
    nodes !== undefined;
  return isRight ? { holder, token, since, nodes, to, highest } : undefined;
}

/** The fencing token of whoever holds the lease. */
export function tokenOf({ revision, document }: LeaseEntry): number | undefined {
  return document && (document.token ?? revision);
}

function parseNodes(value: unknown): Record<string, Terms> | undefined {
  if (!isFields(value)) return undefined;
  const entries = Object.entries(value);
  if (entries.length > mostNodes) return undefined;
  const nodes: [string, Terms][] = [];
  for (const [name, terms] of entries) {
    if (!isName(name) || !isFields(terms)) return undefined;
    const { leaseMs, hold, follows } = terms;
    const isLease = isCount(leaseMs) && leaseMs > 0 && leaseMs <= longestLeaseMs;
    if (!isLease || typeof hold !== 'boolean') return undefined;
    if (follows !== undefined && !isCount(follows)) return undefined;
    nodes.push([name, { leaseMs, hold, ...(follows !== undefined && { follows }) }]);
  }
  return Object.fromEntries(nodes);
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && nameText.test(value) && value !== '__proto__';

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
