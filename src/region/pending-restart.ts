import type { Configuration } from './configuration.ts';

/**
 * What of a configuration a running node does not take in: what its process was made with.
 * A sentence each.
 */
export function pendingRestart(started: Configuration, now: Configuration): string[] {
  const pending: string[] = [];
  const changed = (what: string, before: unknown, after: unknown) => {
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    pending.push(`${what} (${JSON.stringify(before)} → ${JSON.stringify(after)})`);
  };
  const { config: before } = started;
  const { config: after } = now;
  changed('threads.gateway', before.threads.gateway, after.threads.gateway);
  changed('threads.dns', before.threads.dns, after.threads.dns);
  changed('ports.admin', before.ports.admin, after.ports.admin);
  changed('address of the admin API', started.own.bind, now.own.bind);
  changed('accessLog', before.accessLog, after.accessLog);
  if (JSON.stringify(before.store) !== JSON.stringify(after.store)) pending.push('store');
  const { region } = now.own;
  changed('kind of the region', before.regions[region]?.kind, after.regions[region]?.kind);
  return pending;
}
