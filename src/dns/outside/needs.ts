import type { DnsConfig } from '../../config/schema/dns.ts';
import type { DomainName } from '../wire/name.ts';
import { systemResolvers } from './ask-resolver.ts';
import type { OutsideNeeds } from './outside-names.ts';

/** What a configuration asks of names outside of its zones. */
export function outsideNeeds(
  { resolver }: DnsConfig,
  targets: readonly DomainName[],
): OutsideNeeds {
  const { servers, minimumTtl, maximumTtl, stale } = resolver;
  return {
    targets,
    times: { minimumTtlMs: minimumTtl, maximumTtlMs: maximumTtl, staleMs: stale },
    resolvers: targets.length === 0 ? [] : (servers ?? systemResolvers()),
  };
}
