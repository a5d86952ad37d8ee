import type { Exchange } from '../exchange/exchange.ts';
import { provedCertificate } from '../exchange/policy-place.ts';
import { withoutForged } from '../http1/strip.ts';
import type { ClientCertificate } from '../listener/client-certificate.ts';
import { EditedFields } from './field-editor.ts';
import type { PolicyRequest } from './policy.ts';

/** An exchange as policies see it. Made for routes that have policies only. */
export class RoutedRequest implements PolicyRequest {
  readonly headers: EditedFields;
  readonly params: Readonly<Record<string, string>>;
  readonly #exchange: Exchange;
  #notes: Map<string, unknown> | undefined;

  constructor(exchange: Exchange, params: Readonly<Record<string, string>>) {
    this.#exchange = exchange;
    this.params = params;
    this.headers = new EditedFields(withoutForged(exchange.head.fields));
  }

  get method(): string {
    return this.#exchange.method;
  }

  get path(): string {
    return this.#exchange.path;
  }

  get query(): string {
    return this.#exchange.head.query;
  }

  get host(): string {
    return this.#exchange.head.host;
  }

  get route(): string {
    return this.#exchange.routeName!;
  }

  get region(): string {
    return this.#exchange.generation.regionName;
  }

  get requestId(): string {
    return this.#exchange.identity.requestId;
  }

  get clientAddress(): string {
    return this.#exchange.identity.clientAddress;
  }

  get clientCertificate(): ClientCertificate | undefined {
    return provedCertificate(this.#exchange);
  }

  get ended(): boolean {
    return this.#exchange.over;
  }

  get notes(): Map<string, unknown> {
    this.#notes ??= new Map();
    return this.#notes;
  }
}
