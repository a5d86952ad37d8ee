import { z } from 'zod';
import type { ClientCertificate } from './client-certificate.ts';

const relayed = z.strictObject({
  subject: z.string(),
  names: z.array(z.strictObject({ kind: z.string(), value: z.string() }).readonly()).readonly(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  serial: z.string().regex(/^[0-9A-Fa-f]*$/),
});

/** What a client proved to an edge, as the value of a field on the inter-region link. */
export function certificateField(certificate: ClientCertificate): string {
  return Buffer.from(JSON.stringify(certificate)).toString('base64url');
}

/**
 * Reads it. Only from a link: to anyone else it is forged.
 *
 * @throws SyntaxError, or ZodError, where it is not what `certificateField` made: nobody is to
 *   pass for a client without a certificate, because a policy may serve those too
 */
export function readCertificateField(value: string): ClientCertificate {
  const read = relayed.parse(JSON.parse(Buffer.from(value, 'base64url').toString()));
  return Object.freeze(read);
}
