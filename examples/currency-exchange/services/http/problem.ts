/** Every error of the services: code → status and title. Codes are stable. */
const problems = {
  malformed_target: [400, 'The request target is not valid'],
  unknown_field: [400, 'There is no such field'],
  repeated_field: [400, 'A field is given more than once'],
  missing_field: [400, 'A field is missing'],
  malformed_field: [400, 'A field is not valid'],
  unknown_currency: [400, 'The currency is not known'],
  negative_amount: [400, 'The amount is negative'],
  amount_too_large: [400, 'The amount is too large'],
  too_many_decimals: [400, 'The amount has too many decimals'],
  malformed_json: [400, 'The body is not valid JSON'],
  not_found: [404, 'There is nothing at this path'],
  method_not_allowed: [405, 'The method is not allowed here'],
  conversion_in_progress: [409, 'The conversion is being made'],
  body_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body has another type than JSON'],
  idempotency_key_reused: [422, 'The key was used for another conversion'],
  internal_error: [500, 'The service failed'],
  rates_unavailable: [503, 'There are no current rates'],
  ledger_unavailable: [503, 'The ledger cannot be reached'],
  too_many_streams: [503, 'Too many streams are open'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof problems;

export interface ProblemFacts {
  /** What is wrong with this very request, and what would be right. */
  readonly detail: string;
  /** The parameter of the query or member of the body that is wrong. */
  readonly field?: string;
  /** What the field may hold. */
  readonly allowed?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error answer in the form of RFC 9457, thrown wherever the mistake is seen. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly facts: ProblemFacts;

  constructor(code: ProblemCode, facts: ProblemFacts) {
    super(facts.detail);
    this.name = 'Problem';
    this.code = code;
    this.facts = facts;
  }

  get status(): number {
    return problems[this.code][0];
  }

  /** The members of the problem document. */
  body(): object {
    const [status, title] = problems[this.code];
    const { headers: _, ...members } = this.facts;
    return {
      type: `urn:exchange:problem:${this.code}`,
      title,
      status,
      code: this.code,
      ...members,
    };
  }
}

/** Input of a client as a message may repeat it. */
export function quoted(input: string): string {
  return JSON.stringify(input.length > 40 ? `${input.slice(0, 40)}…` : input);
}
