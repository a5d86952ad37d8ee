import { createHmac, timingSafeEqual } from 'node:crypto';

const idBytes = 8;
const expiryBytes = 4;
const macBytes = 16;
const bodyBytes = idBytes + expiryBytes;
/** Of base64url, without padding. */
const valueLength = Math.ceil(((bodyBytes + macBytes) * 4) / 3);

/** What a genuine cookie says. */
export interface StickyClaim {
  /** Of an endpoint, as `idOf` gives it. */
  readonly id: string;
  readonly expiresMs: number;
}

/**
 * Values of the cookies of one service:
 *
 *   ┌──────────────────┬────────────────┬─────────────────────────────────┐
 *   │ endpoint         │ expiry         │ HMAC-SHA-256 of service and the │
 *   │ 8 octets         │ 4 octets, s    │ octets before, first 16 octets  │  in base64url
 *   └──────────────────┴────────────────┴─────────────────────────────────┘
 *
 * An endpoint is named by an HMAC of its address too: who sees a cookie learns neither the
 * address nor, without the secret, which of a list of addresses it is.
 */
export class StickyCookie {
  readonly #secret: Uint8Array;
  readonly #service: string;

  /** @param service its cookies are good for no other */
  constructor(secret: Uint8Array, service: string) {
    this.#secret = secret;
    this.#service = service;
  }

  /** The name in cookies of the endpoint of that region and address. */
  idOf(region: string, address: string): string {
    const mac = createHmac('sha256', this.#secret);
    mac.update(JSON.stringify(['meridian sticky endpoint', region, address]));
    return mac.digest('hex').slice(0, 2 * idBytes);
  }

  seal({ id, expiresMs }: StickyClaim): string {
    const value = Buffer.alloc(bodyBytes + macBytes);
    value.write(id, 0, 'hex');
    value.writeUInt32BE(Math.floor(expiresMs / 1_000), idBytes);
    this.#mac(value).copy(value, bodyBytes, 0, macBytes);
    return value.toString('base64url');
  }

  /** `undefined`: not made by `seal` with this secret for this service, or expired. */
  open(text: string, nowMs: number): StickyClaim | undefined {
    if (text.length !== valueLength) return undefined;
    const value = Buffer.from(text, 'base64url');
    if (value.length !== bodyBytes + macBytes) return undefined;
    const genuine = this.#mac(value).subarray(0, macBytes);
    if (!timingSafeEqual(genuine, value.subarray(bodyBytes))) return undefined;
    const expiresMs = value.readUInt32BE(idBytes) * 1_000;
    if (expiresMs <= nowMs) return undefined;
    return { id: value.toString('hex', 0, idBytes), expiresMs };
  }

  #mac(value: Buffer): Buffer {
    const mac = createHmac('sha256', this.#secret);
    mac.update(JSON.stringify(['meridian sticky cookie', this.#service]));
    return mac.update(value.subarray(0, bodyBytes)).digest();
  }
}
