/** What a `MeridianError` may carry besides its code and message. */
export interface MeridianErrorOptions {
  /** The error that this one explains. Never shown to a client of the gateway. */
  cause?: unknown;
  /** Named facts for programs (`--json`, logs). Must hold no secret. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class of Meridian: a stable `code` for programs and a sentence
 * for people that names the thing and the place. Each area keeps a registry of its
 * codes as a string union and passes it as `Code`.
 */
export class MeridianError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, options: MeridianErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeridianError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The message of anything thrown, for logs and for wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error or of a `MeridianError`, else `undefined`. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}
