import {
  connectionFields,
  gatewayFieldPrefixes,
  gatewayFields,
  requestFields,
} from '../../config/gateway-fields.ts';
import { NameSet } from './name-set.ts';

/**
 * Who is behind a request and what it was for: believed from another region's gateway, forged
 * from anyone else. `Proxy` becomes HTTP_PROXY in CGI, which clients of services obey. What
 * proxies tell of client certificates (RFC 9440, and the names that nginx, HAProxy, Envoy and
 * load balancers use) is proof to a service.
 */
const forwardingFields = [
  'client-cert',
  'client-cert-chain',
  'forwarded',
  'proxy',
  'ssl-client-cert',
  'ssl-client-s-dn',
  'ssl-client-verify',
  'true-client-ip',
  'x-client-cert',
  'x-client-dn',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
  'x-ssl-cert',
];

/** Of a request, whoever sent it. */
const always = [...connectionFields, ...requestFields];
const fromLink = new NameSet(always, ['meridian-']);
const forgedPrefixes = [
  'meridian-',
  'x-amzn-mtls-',
  'x-client-cert-',
  'x-forwarded-',
  'x-ssl-client-',
];
const fromOutside = new NameSet([...always, ...forwardingFields], forgedPrefixes);
const forged = new NameSet(forwardingFields, forgedPrefixes);
const fromUpstream = new NameSet([...connectionFields, 'x-request-id'], ['meridian-']);

const ofGateway = new NameSet(gatewayFields, gatewayFieldPrefixes);

/** Whether the gateway writes it by itself, so that policies may not. */
export function isGatewayField(name: string): boolean {
  return ofGateway.has(name);
}

/** The fields of a request from outside without those that nobody is to believe; the same where there are none. */
export function withoutForged(fields: readonly string[]): readonly string[] {
  let kept: string[] | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (forged.has(fields[at]!)) kept ??= fields.slice(0, at);
    else kept?.push(fields[at]!, fields[at + 1]!);
  }
  return kept ?? fields;
}

/** Besides, fields that mean something only before the content (RFC 9110 §6.5.1). */
const notAsTrailer = new NameSet(
  [
    'age',
    'authorization',
    'cache-control',
    'content-encoding',
    'content-range',
    'content-type',
    'cookie',
    'date',
    'expires',
    'location',
    'max-forwards',
    'pragma',
    'range',
    'retry-after',
    'set-cookie',
    'vary',
    'via',
    'warning',
    'www-authenticate',
  ],
  ['access-control-', 'if-'],
);

/**
 * Whether a field of a received message ends at the gateway. `named` are the fields that
 * the message's Connection names, from `namedFields`.
 */
export function isRequestFieldStripped(
  name: string,
  named: readonly string[],
  from: 'outside' | 'link',
): boolean {
  return (from === 'link' ? fromLink : fromOutside).has(name) || isNamed(name, named);
}

export function isResponseFieldStripped(
  name: string,
  named: readonly string[],
  fromPeer: boolean,
): boolean {
  if (fromUpstream.has(name)) return !(fromPeer && name.toLowerCase() === 'meridian-region');
  return isNamed(name, named);
}

export function isTrailerStripped(name: string): boolean {
  return notAsTrailer.has(name) || fromOutside.has(name);
}

const none: readonly string[] = [];

/** The options of Connection that may be field names. */
export function namedFields(connection: readonly string[]): readonly string[] {
  return connection.some((option) => !isPlainOption(option)) ? connection : none;
}

function isPlainOption(option: string): boolean {
  return option === 'keep-alive' || option === 'close' || option === 'upgrade';
}

function isNamed(name: string, named: readonly string[]): boolean {
  return named.length > 0 && named.includes(name.toLowerCase());
}
