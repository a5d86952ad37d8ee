import type { ConfigInput } from './schema/config.ts';

export type { Config, ConfigInput } from './schema/config.ts';

/**
 * For `meridian.config.ts`: gives the editor the types and gives the configuration back
 * as it is. It is validated when Meridian loads it.
 *
 *     import { defineConfig } from 'meridian-gateway';
 *     export default defineConfig({ regions: { … } });
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
