/**
 * Who may import whom in `src/`: folders of a tier import those of earlier tiers and
 * themselves, never a sibling of their own tier (but for what `exceptions` lists).
 * `test/architecture` enforces it.
 *
 *   base ← config ← store, observability, link ← health, secrets, exclusive ← steering
 *        ← gateway, dns, failover, revisions, data ← shifts ← admin ← region ← stack, cli
 */
export const tiers: readonly (readonly string[])[] = [
  ['base'],
  ['config'],
  ['store', 'observability', 'link'],
  ['health', 'secrets', 'exclusive'],
  ['steering'],
  ['gateway', 'dns', 'failover', 'revisions', 'data'],
  ['shifts'],
  ['admin'],
  ['region'],
  ['stack', 'cli'],
];

const exceptions: readonly { readonly from: string; readonly to: string; readonly why: string }[] =
  [{ from: 'cli', to: 'stack', why: '`meridian up` starts a stack' }];

export function tierOf(folder: string): number {
  return tiers.findIndex((folders) => folders.includes(folder));
}

/** Why a file of folder `from` may not import one of folder `to`, or `undefined`. */
export function forbidden(from: string, to: string): string | undefined {
  if (from === to) return undefined;
  if (tierOf(from) < 0) return `src/${from} is in no tier of tools/import-order.ts`;
  if (tierOf(to) < 0) return `src/${to} is in no tier of tools/import-order.ts`;
  if (exceptions.some((exception) => exception.from === from && exception.to === to)) {
    return undefined;
  }
  if (tierOf(to) < tierOf(from)) return undefined;
  const relation = tierOf(to) === tierOf(from) ? 'a sibling of' : 'above';
  return `${to} is ${relation} ${from}`;
}
