import { hkdfSync } from 'node:crypto';
import { sessionSecretBytes, ticketKeys } from '../../gateway/listener/session-keys.ts';

/** What name servers resume sessions by, from the secret of the node; it does not tell that one. */
export function dotSecret(sessionSecret: Uint8Array): Uint8Array {
  return new Uint8Array(
    hkdfSync('sha256', sessionSecret, '', 'meridian dns over tls', sessionSecretBytes),
  );
}

/** 48 octets. */
export function dotTicketKeys(secret: Uint8Array): Uint8Array {
  return ticketKeys(secret, 'dns over tls');
}
