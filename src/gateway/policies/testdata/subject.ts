import { definePolicy } from 'meridian-gateway/policy';

/** Tells the service who the client proved to be; nobody is told as nobody. */
export default definePolicy({
  name: 'subject',
  create: () => ({
    onRequest({ clientCertificate, headers }) {
      headers.set('X-Subject', clientCertificate?.subject ?? 'nobody');
      if (!clientCertificate) return undefined;
      const { names, fingerprint } = clientCertificate;
      headers.set('X-Names', names.map(({ kind, value }) => `${kind} ${value}`).join());
      headers.set('X-Fingerprint', fingerprint);
      return undefined;
    },
  }),
});
