import { createHmac, timingSafeEqual } from 'node:crypto';
import { HmacSha256 } from './hmac-sha256.ts';

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
  readonly #mac: HmacSha256;
  /** What is signed: purpose and service, then the octets of a value before its MAC. */
  readonly #signed: Buffer;
  readonly #bodyAt: number;

  /** @param service its cookies are good for no other */
  constructor(secret: Uint8Array, service: string) {
    const purpose = Buffer.from(JSON.stringify(['meridian sticky cookie', service]));
    this.#secret = secret;
    this.#bodyAt = purpose.length;
    this.#signed = Buffer.concat([purpose, Buffer.alloc(bodyBytes)]);
    this.#mac = new HmacSha256(secret, this.#signed.length);
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
    value.write(this.#macOf(value), bodyBytes, 'hex');
    return value.toString('base64url');
  }

  /** `undefined`: not made by `seal` with this secret for this service, or expired. */
  open(text: string, nowMs: number): StickyClaim | undefined {
    if (text.length !== valueLength) return undefined;
    const value = Buffer.from(text, 'base64url');
    if (value.length !== bodyBytes + macBytes) return undefined;
    const genuine = Buffer.from(this.#macOf(value), 'hex');
    if (!timingSafeEqual(genuine, value.subarray(bodyBytes))) return undefined;
    const expiresMs = value.readUInt32BE(idBytes) * 1_000;
    if (expiresMs <= nowMs) return undefined;
    return { id: value.toString('hex', 0, idBytes), expiresMs };
  }

  /** In hexadecimal. */
  #macOf(value: Buffer): string {
    value.copy(this.#signed, this.#bodyAt, 0, bodyBytes);
    return this.#mac.digest(this.#signed).slice(0, 2 * macBytes);
  }
}
