import { findField } from '../http1/fields.ts';
import type { RouteMatch } from '../router/router.ts';
import type { Exchange } from './exchange.ts';

/**
 * The route of a request. One that another region relayed goes by the route that was found
 * there, if it says so and this revision has it for that path too: policies may have changed
 * the fields that conditions look at.
 */
export function matchRoute(exchange: Exchange): RouteMatch {
  const { generation, head, path, client } = exchange;
  if (client.origin.peerRegion !== undefined) {
    const found = findField(head.fields, 'meridian-route');
    if (found !== undefined) {
      exchange.foundRoute = found;
      const match = generation.match(head.host, path, exchange);
      if (match.kind === 'route' && generation.routeNames[match.index] === found) return match;
      exchange.foundRoute = undefined;
    }
  }
  return generation.match(head.host, path, exchange);
}
