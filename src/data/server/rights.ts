import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export type Right = 'read' | 'write';

/** A service that may use buckets. */
export interface Grant {
  readonly token: string;
  /** By bucket. */
  readonly rights: Readonly<Record<string, Right>>;
}

/** Who shows a token that is known. */
export interface Caller {
  readonly service: string;
  readonly rights: Readonly<Record<string, Right>>;
}

/**
 * Who may do what. Tokens are looked up by a digest under a key of this process, so that
 * neither the time of the look-up nor that of the comparison tells anything of a token.
 */
export class Rights {
  readonly #key = randomBytes(32);
  readonly #callers = new Map<string, { readonly digest: Buffer; readonly caller: Caller }>();

  /** @param grants by the name of the service */
  constructor(grants: Readonly<Record<string, Grant>>) {
    for (const [service, { token, rights }] of Object.entries(grants)) {
      const digest = this.#digest(token);
      this.#callers.set(digest.toString('latin1'), { digest, caller: { service, rights } });
    }
  }

  /** Who shows this `Authorization`; `undefined`: nobody that is known. */
  callerOf(authorization: string | undefined): Caller | undefined {
    const [, token] = /^bearer +([^\s]+) *$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) return undefined;
    const digest = this.#digest(token);
    const known = this.#callers.get(digest.toString('latin1'));
    return known && timingSafeEqual(known.digest, digest) ? known.caller : undefined;
  }

  #digest(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest();
  }
}

export function rightOf({ rights }: Caller, bucket: string): Right | undefined {
  return Object.hasOwn(rights, bucket) ? rights[bucket] : undefined;
}
