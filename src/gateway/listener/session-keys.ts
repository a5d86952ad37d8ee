import { createHash, hkdfSync } from 'node:crypto';
import type { TlsSettings } from './tls-settings.ts';

/** Octets of the secret that all threads of a node derive the keys of session tickets from. */
export const sessionSecretBytes = 32;

/** Name, HMAC key and AES key, as `setTicketKeys` takes them. */
const ticketKeyBytes = 48;
/** A session of before stays good for so long: a client that lost its right loses it then. */
const sessionSeconds = 7_200;
const mutualSessionSeconds = 600;

/**
 * In which sessions may be resumed: a session is good for the listener that it was made by, for
 * the names that its certificate has, and for what was asked of clients then. Neither a session of
 * another listener or name nor one from before client certificates were required is ever taken (RFC 8446 section 4.6.1; "virtual
 * host confusion", Delignat-Lavaud and Bhargavan 2015). A renewed certificate changes nothing.
 *
 * @returns at most 32 characters, the bound of OpenSSL
 */
export function sessionContext(
  listener: string,
  names: string,
  { policy, clients }: SessionSettings,
): string {
  const authority = clients ? createHash('sha256').update(clients.ca).digest('hex') : '';
  const parts = [listener, names, policy ?? '', clients?.mode ?? '', authority];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
}

type SessionSettings = Pick<TlsSettings, 'policy' | 'clients'>;

/** How long a session may be resumed, in seconds. */
export function sessionLifetime({ clients }: SessionSettings): number {
  return clients ? mutualSessionSeconds : sessionSeconds;
}

/** Keys of one context only: a ticket of another cannot even be decrypted. */
export function ticketKeys(secret: Uint8Array, context: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `meridian tickets ${context}`, ticketKeyBytes));
}
