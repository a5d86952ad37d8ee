import { isProblemCode, type ProblemCode } from '../exchange/problems.ts';
import { WireError } from '../http1/wire-error.ts';

/** A head took too long. */
export class RequestTimeout extends Error {}

/** With what an error is answered that came up while a request was read. */
export function refusalCode(error: unknown): ProblemCode {
  if (error instanceof WireError && isProblemCode(error.code)) return error.code;
  return error instanceof RequestTimeout ? 'request_timeout' : 'internal_error';
}
