/*
 * Names in the certificates of the store: DNS names of the subject alternative names, never
 * looked up. All are signed by the one authority of the deployment.
 *
 *   REGION.region.meridian.internal   nodes and servers of a region (its identity)
 *   hub.meridian.internal             besides, a hub voter: who may be a route
 *   operator.meridian.internal        a person with all rights on the data of the store
 *   system.meridian.internal          a person in the servers' system account
 *
 * A server's certificate also names the address at which other servers reach it.
 */
export const hubName = 'hub.meridian.internal';
export const storeOperator = 'operator.meridian.internal';
export const systemOperator = 'system.meridian.internal';

export function identityName(region: string): string {
  return `${region}.region.meridian.internal`;
}
