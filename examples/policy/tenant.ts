import { definePolicy } from 'meridian-gateway/policy';

interface Options {
  readonly header: string;
  readonly tenants: readonly string[];
}

/** Lets known tenants in, and tells the service which one it is. */
export default definePolicy<Options>({
  name: 'tenant',
  options: {
    parse(value) {
      const { header = 'X-Tenant', tenants } = (value ?? {}) as Partial<Options>;
      if (!Array.isArray(tenants)) throw new Error('`tenants` is needed: a list of names');
      return { header, tenants };
    },
  },
  create({ header, tenants }) {
    const known = new Set(tenants);
    return {
      onRequest({ params, clientCertificate, headers, notes }) {
        const tenant = params.tenant ?? '';
        if (!known.has(tenant)) return { status: 403, body: `no tenant ${tenant}\n` };
        headers.set(header, tenant);
        if (clientCertificate) headers.set('X-SSL-Client-Subject', clientCertificate.subject);
        notes.set('startedMs', performance.now());
        return undefined;
      },
      onResponse({ headers }, { notes }) {
        const tookMs = performance.now() - Number(notes.get('startedMs'));
        headers.set('Server-Timing', `service;dur=${tookMs.toFixed(1)}`);
        headers.delete('Server');
      },
    };
  },
});
