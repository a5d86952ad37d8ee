import type { Config } from '../config/schema/config.ts';

const marginMs = 2_000;

/**
 * How long a graceful stop serves on: until the last answer that named the region has run
 * out of every resolver's cache (the longest TTL), and 2 s more.
 */
export function drainTimeMs(config: Config): number {
  let longestTtlMs = 0;
  for (const zone of Object.values(config.zones)) {
    for (const record of zone.records) {
      longestTtlMs = Math.max(longestTtlMs, record.ttl ?? zone.ttl);
    }
  }
  return Math.min(longestTtlMs + marginMs, config.drain.maximum);
}
