import type { OutgoingRequest } from '../http1/serialise.ts';
import type { Exchange } from './exchange.ts';
import { ownLines, relayLines, toldLines } from './forwarding.ts';
import { dueLines } from './policy-place.ts';

/** The head of an attempt, and how its body ends. */
export function outgoingOf(exchange: Exchange): OutgoingRequest {
  const { head, client, identity, target, generation, route, backend } = exchange;
  const { regionName } = generation;
  const edited = exchange.routed?.headers;
  let extra = ownLines(head, client.origin, identity, regionName);
  // Policies saw none of what the first gateway told, and the service is to have it.
  if (edited && exchange.relayed) extra += toldLines(head.fields);
  if (edited) extra += edited.lines;
  const relay = target!.kind === 'relay';
  if (relay) {
    extra += relayLines(regionName, identity.clientAddress, backend!.service.name);
    if (generation.isEdge) extra += dueLines(exchange);
    // What its conditions looked at may be another by now.
    if (edited || generation.isEdge) extra += `Meridian-Route: ${exchange.routeName}\r\n`;
    if (route!.bound) extra += `Meridian-Listener: ${exchange.listener}\r\n`;
  } else if (backend!.exclusive !== undefined) {
    extra += `Meridian-Fencing-Token: ${generation.fencingToken(backend!.exclusive)}\r\n`;
  }
  if (!relay && exchange.basePath !== '') extra += `X-Forwarded-Prefix: ${exchange.basePath}\r\n`;
  return {
    method: head.method,
    // Another region's gateway routes again, by what the client sent.
    target: (relay ? exchange.path : servicePath(exchange)) + head.query,
    authority: (relay ? undefined : route!.rewrite?.host) ?? head.authority,
    head,
    fields: edited?.kept ?? head.fields,
    body: head.body,
    extra,
    strip: client.origin.peerRegion === undefined ? 'outside' : 'link',
  };
}

/** The path without the base path of a domain. */
export function routedPath({ path, basePath }: Exchange): string {
  return basePath === '' ? path : path.slice(basePath.length) || '/';
}

/** What the service sees as path. */
function servicePath(exchange: Exchange): string {
  const change = exchange.route!.rewrite?.path;
  const path = routedPath(exchange);
  return change ? change({ path, params: exchange.params }) : path;
}
