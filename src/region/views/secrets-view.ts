import type { SecretsView } from '../../admin/node-view.ts';
import { MeridianError } from '../../base/errors.ts';
import type { Secrets } from '../../secrets/secrets.ts';
import type { LiveConfiguration } from '../configuration/live-configuration.ts';

/** Secrets by the admin API. Without a store there is nowhere to keep them. */
export function createSecretsView(secrets: Secrets, live: LiveConfiguration): SecretsView {
  const shared = (): Secrets => {
    if (live.configuration.config.store.engine !== 'memory') return secrets;
    throw new MeridianError(
      'no_store',
      'this node has no store (engine "memory"), and keeps no secrets: name files instead',
    );
  };
  return {
    list: async () => shared().list(),
    set: async (name, value) => shared().set(name, value),
    delete: async (name) => shared().delete(name),
    rotate: async () => shared().rotate(),
  };
}
