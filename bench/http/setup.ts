import type { Program } from './program.ts';
import type { CertificateFiles } from './stage.ts';
import type { PeerName } from './tools.ts';

/** Requests below `prefix`, of one host or of any, go to the origin. */
export interface BenchRoute {
  readonly name: string;
  readonly host?: string;
  readonly prefix: string;
}

/** What every subject is set up to do, in its own words. */
export interface Setup {
  readonly originPort: number;
  readonly routes: readonly BenchRoute[];
  readonly accessLog: boolean;
  /** Header fields are set and removed, both ways; see `transformation`. */
  readonly transforms: boolean;
  /** Buffers as for responses of megabytes. */
  readonly largeBodies: boolean;
  readonly tls: CertificateFiles | undefined;
}

/** What is forwarded and answered beside what the client and the origin sent. */
export const forwardingFields =
  'X-Forwarded-For, -Proto, -Host, Forwarded, Via, X-Request-Id (also answered)';

export const transformation = {
  request: { set: ['X-Environment', 'bench'], remove: 'X-Debug' },
  response: { set: ['X-Frame-Options', 'DENY'], remove: 'Server' },
} as const;

/** A program under test that answers. */
export interface Subject {
  readonly name: 'meridian' | PeerName;
  readonly program: Program;
  readonly httpPort: number;
  /** 0 without TLS. */
  readonly httpsPort: number;
  /** What it does for a request. */
  readonly on: readonly string[];
}

/** One route for everything below `/v1`, and nothing else. */
export function plainSetup(originPort: number): Setup {
  return {
    originPort,
    routes: [{ name: 'rates', prefix: '/v1' }],
    accessLog: false,
    transforms: false,
    largeBodies: false,
    tls: undefined,
  };
}

const hosts = 10;

/**
 * Routes of the same ten hosts, however many they are: what is kept for a host, such as the
 * forwarding fields, is then as often of use.
 */
export function manyRoutes(count: number): BenchRoute[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `route-${at}`,
    host: `h${at % hosts}.exchange.test`,
    prefix: `/v1/p${at}`,
  }));
}

/** What a setup does, in words; each subject adds what only it does. */
export function describeSetup({ routes, accessLog, transforms, tls }: Setup): string[] {
  return [
    routes.length === 1 ? '1 route' : `${routes.length} routes`,
    forwardingFields,
    accessLog ? 'access log in JSON' : 'no access log',
    ...(transforms ? ['2 header fields set, 2 removed'] : []),
    ...(tls ? ['TLS 1.3'] : []),
  ];
}
