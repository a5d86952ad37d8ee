import { MeridianError } from '../../base/errors.ts';

/**
 * Every reason for which the wire code refuses a message, with the status that the
 * sender gets. After any of them the connection is out of step: answer, then close.
 * The codes are stable: clients and dashboards may match them.
 */
export const wireStatuses = {
  bad_request_line: 400,
  bad_target: 400,
  bad_path: 400,
  bad_line_ending: 400,
  bad_field: 400,
  bad_host: 400,
  /** Content-Length and Transfer-Encoding that leave any doubt where the body ends. */
  bad_request_framing: 400,
  bad_chunk: 400,
  bad_trailer: 400,
  /** The peer closed in the middle of a body. */
  incomplete_body: 400,
  uri_too_long: 414,
  expectation_failed: 417,
  fields_too_large: 431,
  method_not_supported: 501,
  /** Whatever is wrong with a response head; the message says what. */
  bad_upstream_response: 502,
  version_not_supported: 505,
} as const;

export type WireErrorCode = keyof typeof wireStatuses;

/** A message, or a part of one, that Meridian does not accept. The text never quotes a value. */
export class WireError extends MeridianError<WireErrorCode> {
  readonly status: number;

  constructor(code: WireErrorCode, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
    this.name = 'WireError';
    this.status = wireStatuses[code];
  }
}

export function refuse(code: WireErrorCode, message: string): never {
  throw new WireError(code, message);
}
