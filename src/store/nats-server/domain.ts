/** The JetStream domain of the hub: where every write goes. Leaves mirror from it. */
export const hubDomain = 'global';
