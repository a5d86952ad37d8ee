import type { RouteConfig } from '../../config/schema/route.ts';
import type { OwnAnswer } from '../exchange/answers.ts';
import { compilePathChange, type RoutedPath } from './path-change.ts';

/** A request that is sent elsewhere. */
export interface Redirected extends RoutedPath {
  /** Of a domain's mapping, '' else: what stands before `path` in what was asked for. */
  readonly basePath: string;
  /** All of the canonical path. */
  readonly whole: string;
  readonly scheme: 'http' | 'https';
  /** `host` or `host:port`; '' for HTTP/1.0 without Host. */
  readonly authority: string;
  /** With its `?`, or ''. As sent: visible ASCII. */
  readonly query: string;
}

export type Redirect = (request: Redirected) => OwnAnswer;

/**
 * 30x with a Location made of parts that were parsed or configured, so it stays one line.
 * Within a domain a new path is below the base path, as the route's own is.
 */
export function compileRedirect(route: RouteConfig): Redirect | undefined {
  const { redirect } = route;
  if (!redirect) return undefined;
  const change = compilePathChange(redirect, route);
  return (request) => {
    const scheme = redirect.scheme ?? request.scheme;
    const [host, port] = takeApart(request.authority);
    const toPort = redirect.port ?? (redirect.scheme === undefined ? port : undefined);
    const authority = `${redirect.host ?? host}${portSuffix(scheme, toPort)}`;
    const base = redirect.host === undefined ? request.basePath : '';
    const path = change ? base + change(request) : request.whole;
    const query = redirect.query === 'keep' ? request.query : '';
    // Who sent no host is told no more than the path.
    const origin = authority === '' ? '' : `${scheme}://${authority}`;
    const fields = `Location: ${origin}${path}${query}\r\n`;
    return { status: redirect.status, contentType: 'text/plain', body: '', fields };
  };
}

/** Host, in brackets where it is an IPv6 address, and port. */
function takeApart(authority: string): [host: string, port: number | undefined] {
  const colon = authority.lastIndexOf(':');
  if (colon === -1 || authority.endsWith(']')) return [authority, undefined];
  return [authority.slice(0, colon), Number(authority.slice(colon + 1))];
}

function portSuffix(scheme: 'http' | 'https', port: number | undefined): string {
  const usual = scheme === 'http' ? 80 : 443;
  return port === undefined || port === usual ? '' : `:${port}`;
}
