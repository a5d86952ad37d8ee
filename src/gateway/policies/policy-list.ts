import { MeridianError, messageOf } from '../../base/errors.ts';
import type { PolicyConfig } from '../../config/schema/policy.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';
import { createHeadersPolicy } from './headers/policy.ts';
import type { Plugins } from './plugin.ts';
import type { Policy } from './policy.ts';

/** The policies of one route, by the phase in which they act. */
export interface PolicyList {
  /** In the order of the configuration. */
  readonly request: readonly Policy[];
  /** In the reverse order: what changed the request last sees the response first. */
  readonly response: readonly Policy[];
  close(): void;
}

/**
 * Creates the policies of a route; `undefined` for a route without any, which then pays
 * nothing for them.
 *
 * @param place for messages: `routes[3].policies`
 * @throws MeridianError `policy_invalid` naming the place
 */
export function createPolicyList(
  configured: readonly PolicyConfig[] | undefined,
  plugins: Plugins,
  place: string,
): PolicyList | undefined {
  if (configured === undefined) return undefined;
  const policies = configured.map((config, index) => {
    try {
      return createPolicy(config, plugins);
    } catch (cause) {
      const message = `${place}[${index}]: ${messageOf(cause)}`;
      throw new MeridianError<GatewayErrorCode>('policy_invalid', message, { cause });
    }
  });
  return {
    request: policies.filter(({ onRequest }) => onRequest !== undefined),
    response: policies.filter(({ onResponse }) => onResponse !== undefined).reverse(),
    close() {
      for (const policy of policies) policy.close?.();
    },
  };
}

function createPolicy(config: PolicyConfig, plugins: Plugins): Policy {
  switch (config.type) {
    case 'headers':
      return createHeadersPolicy(config);
    case 'plugin': {
      const definition = plugins.get(config.plugin);
      if (!definition) throw new Error(`there is no plugin "${config.plugin}"`);
      const options = definition.options?.parse(config.options) ?? config.options;
      return definition.create(options);
    }
  }
}
