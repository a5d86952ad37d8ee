import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

/** Names and content follow Mozilla's recommendations for servers, version 5.7. */
export type TlsPolicyName = 'modern' | 'intermediate';

/**
 * Without the DHE suites of the intermediate list: they need parameters of their own, and
 * every client that the list is meant for has ECDHE. Suites of TLS 1.3 stand for themselves.
 */
const cipherSuites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
const intermediateCiphers = [
  ...cipherSuites,
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
/** The hybrid first: what is recorded today stays closed to a quantum computer. */
const groups = 'X25519MLKEM768:X25519:prime256v1:secp384r1';

/**
 * What a handshake may agree on. The client's order of ciphers counts: it knows whether it
 * has AES in hardware. Renegotiation is off: it costs the server more than the client, and
 * would change who the peer is within a connection.
 */
export function tlsPolicy(name: TlsPolicyName): SecureContextOptions {
  return {
    minVersion: name === 'modern' ? 'TLSv1.3' : 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: (name === 'modern' ? cipherSuites : intermediateCiphers).join(':'),
    ecdhCurve: groups,
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}
