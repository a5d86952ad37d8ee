import type { ClientCertificate } from '../listener/client-certificate.ts';
import type { FieldEditor } from './field-editor.ts';

export type { ClientCertificate };

/**
 * What a policy sees of a request. The path is the canonical one that was routed, that is
 * logged and that the service gets: no policy can be passed by another spelling of it.
 */
export interface PolicyRequest {
  readonly method: string;
  readonly path: string;
  /** With its `?`, or ''. As sent. */
  readonly query: string;
  /** Lower case, without port; '' for HTTP/1.0 without Host. */
  readonly host: string;
  /** Segments by parameter name of the route's `pattern`; escapes are not decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly route: string;
  /** The own region. */
  readonly region: string;
  readonly requestId: string;
  readonly clientAddress: string;
  /**
   * What the client proved to be to the listener where its request came in; `undefined`: it
   * showed no certificate, or was asked for none. Nothing that a request says can change it.
   */
  readonly clientCertificate: ClientCertificate | undefined;
  /** Fields that the service will get; what a client says of who is behind it is not among them. */
  readonly headers: FieldEditor;
  /** The client is gone, or it took too long: nobody waits for what a policy does any more. */
  readonly ended: boolean;
  /** For a policy to leave something for its own response phase. One per request. */
  readonly notes: Map<string, unknown>;
}

/** What a policy sees of the response of a service. */
export interface PolicyResponse {
  readonly status: number;
  /** Fields that the client will get. */
  readonly headers: FieldEditor;
}

/** An answer in place of the service's. */
export interface PolicyAnswer {
  /** 200 to 599. */
  readonly status: number;
  readonly body?: string;
  /** Default: `text/plain; charset=utf-8`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type OrPromise<Value> = Value | Promise<Value>;

/**
 * One step applied to requests and responses of a route. Both phases run synchronously
 * unless they return a promise: then the request waits, for `policyMs` at most. One that
 * throws or is late ends the request with 500 `policy_failed`: it is never passed over.
 */
export interface Policy {
  /** An answer ends the request here; nothing lets it go on. */
  onRequest?(request: PolicyRequest): OrPromise<PolicyAnswer | undefined>;
  /** Not called for answers of the gateway itself, nor for 1xx. */
  onResponse?(response: PolicyResponse, request: PolicyRequest): OrPromise<void>;
  /** No request uses it any more. */
  close?(): void;
}

export interface PolicyDefinition<Options = unknown> {
  /** For messages. */
  readonly name: string;
  /** Turns what the configuration says into options; throws what is wrong with it. A zod schema is one. */
  readonly options?: { parse(value: unknown): Options };
  /** Called for each route that uses it, for each revision and thread. May throw. */
  create(options: Options): Policy;
}

/**
 * For a policy of your own: gives the editor the types and the definition back as it is.
 *
 *     import { definePolicy } from 'meridian-gateway/policy';
 *     export default definePolicy({
 *       name: 'tenant',
 *       create: () => ({ onRequest: ({ headers, host }) => { headers.set('X-Tenant', host); } }),
 *     });
 */
export function definePolicy<Options>(
  definition: PolicyDefinition<Options>,
): PolicyDefinition<Options> {
  return definition;
}
