import { hubDomain } from './domain.ts';

/**
 * What may be said and heard in the account `MERIDIAN`. A subject that is not listed is
 * refused by the server.
 *
 *   node ──[nodeRights]──▶ leaf ──[leafRights, checked by the hub]──▶ hub
 *
 * So a node cannot delete, purge or change a stream, delete a message, list what else is in
 * the account, listen to everything (`>`), to the writes of others (`$KV.>`) or to the
 * answers that another region gets. The hub checks again what comes over the link of a
 * region, whatever the leaf there allows.
 *
 * Limit: rights name subjects, and the server checks no subject that it sends to itself. Who
 * may make a consumer can have a stream delivered to any subject of the account. (Requests
 * to the API that are made so are not obeyed; tried on 2.14.0.)
 */
export interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** A request for the settings of servers: every hub voter that hears it answers with its VARZ. */
export const settingsSubject = 'meridian.server.settings';

/** Where the answers for the nodes of a region arrive. */
export function inboxPrefix(region: string): string {
  return `_INBOX.${region}`;
}

const hub = `$JS.${hubDomain}.API`;

/**
 * Where what other regions write arrives, and the answers to the questions for it. Not in the
 * inbox: then a region could answer what was asked of the hub.
 */
export function deliveryPrefix(region: string): string {
  return `meridian.data.${region}`;
}

/**
 * Following what a region writes for itself (`store/regional-log.ts`): the region's leaf maps
 *
 *   meridian.follow.REGION.STREAM.CONSUMER.PATTERN
 *     ─▶ $JS.API.CONSUMER.CREATE.STREAM.CONSUMER.$DATA.REGION.PATTERN
 *
 * so that nothing else of its server can be had: the filter is part of the request. (The
 * server announces `$JS.REGION.API.CONSUMER.>` whole or not at all, which is too much.) Rights do
 * not know buckets: a node of a region that may not hold one does not ask for it, and could.
 */
export function followRequest(region: string): string {
  return `meridian.follow.${region}`;
}

export function followMapping(region: string): { readonly from: string; readonly to: string } {
  return {
    from: `${followRequest(region)}.*.*.>`,
    to: `$JS.API.CONSUMER.CREATE.$1.$2.$DATA.${region}.>`,
  };
}

const follow = `${followRequest('*')}.*.*.>`;

/** Requests of the store's engine to the hub: streams, their consumers, and writes. */
const hubRequests = [
  `${hub}.STREAM.INFO.*`,
  `${hub}.STREAM.CREATE.*`,
  `${hub}.STREAM.MSG.GET.*`,
  `${hub}.DIRECT.GET.*`,
  `${hub}.CONSUMER.CREATE.*.*`,
  `${hub}.$KV.*.>`,
  '$JS.FC.*.>',
  settingsSubject,
] as const;

const signals = 'meridian.signal.>';

/**
 * Adding copies to the buckets of a hub that has grown, and giving those of the services
 * another age. A stack does that by itself; where the servers are an operator's own, changing
 * a stream is the operator's right alone.
 */
export const growthRequest = `${hub}.STREAM.UPDATE.*`;

/**
 * The same of the mirrors on a leaf, and of the region's own logs beside them; and removing a
 * mirror of a hub that was made anew. That may be the last copy of what the hub had: where the
 * servers are an operator's own, it is left to the operator.
 */
export const mirrorChangeRequests = ['$JS.API.STREAM.UPDATE.*', '$JS.API.STREAM.DELETE.*'] as const;

/** Of a node: what the engine (`store/jetstream`) asks of its leaf, and of the hub through it. */
export function nodeRights(region: string): Rights {
  return {
    publish: [
      '$JS.API.STREAM.INFO.*',
      '$JS.API.STREAM.CREATE.*',
      '$JS.API.DIRECT.GET.*',
      '$JS.API.DIRECT.GET.*.>',
      '$JS.API.CONSUMER.CREATE.*.*',
      `$DATA.${region}.>`,
      follow,
      ...hubRequests,
      signals,
    ],
    subscribe: [`${inboxPrefix(region)}.>`, `${deliveryPrefix(region)}.>`, signals],
  };
}

/** Answers to a mirror's request for its origin, and what the origin sends it then. */
const mirrorDeliveries = ['$JSC.R.*', '$JS.M.*'] as const;

/** Of a leaf's link to the hub: what its nodes ask, and what its mirrors need. */
export function leafRights(region: string): Rights {
  return {
    publish: [
      ...hubRequests,
      `${hub}.CONSUMER.CREATE.*`,
      follow,
      `${deliveryPrefix('*')}.>`,
      signals,
    ],
    subscribe: [
      `${inboxPrefix(region)}.>`,
      ...mirrorDeliveries,
      followMapping(region).from,
      '$JS.FC.*.>',
      `${deliveryPrefix(region)}.>`,
      signals,
    ],
  };
}
