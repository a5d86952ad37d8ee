import { findField } from '../http1/fields.ts';
import type { OwnAnswer } from './answers.ts';
import type { Exchange } from './exchange.ts';

/** Paths below it are the gateway's own and are never routed. */
export const reservedPrefix = '/.meridian/';
export const healthPath = '/.meridian/health';
/** On the link listener only. */
export const bundlePath = '/.meridian/bundle';

/** What a GET of a reserved path brings; `undefined`: there is nothing for this client. */
export function ownAnswer(exchange: Exchange): OwnAnswer | undefined {
  if (exchange.path === healthPath) return healthAnswer(exchange);
  if (exchange.path === bundlePath) return bundleAnswer(exchange);
  return undefined;
}

/**
 * A node that drains still serves whatever comes, but wants no new clients. The 503 takes
 * its address out of the answers of name servers and of a load balancer before the nodes,
 * also where nobody hears the node's own word that it drains. For the only node of a region
 * it changes nothing: a draining region is the last resort of last resorts as it is.
 */
function healthAnswer({ runtime, generation }: Exchange): OwnAnswer {
  const { draining } = runtime;
  const status = draining ? 'draining' : 'serving';
  const body = JSON.stringify({ status, region: generation.regionName });
  return { status: draining ? 503 : 200, contentType: 'application/json', body, fields: '' };
}

/** For nodes of the deployment, proved by their certificate; never for a client behind one. */
function bundleAnswer({ client, head, generation }: Exchange): OwnAnswer | undefined {
  if (client.origin.peerRegion === undefined) return undefined;
  if (findField(head.fields, 'meridian-hop') !== undefined) return undefined;
  const { bundle } = generation;
  return (
    bundle && { status: 200, contentType: 'application/octet-stream', body: bundle, fields: '' }
  );
}
