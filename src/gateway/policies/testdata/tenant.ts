import { definePolicy } from 'meridian-gateway/policy';

export default definePolicy<{ header: string; mode: string }>({
  name: 'tenant',
  options: {
    parse(value) {
      const { header, mode } = value as { header?: unknown; mode?: unknown };
      if (typeof header !== 'string') throw new Error('header is needed');
      return { header, mode: String(mode) };
    },
  },
  create: ({ header, mode }) => ({
    async onRequest({ headers, params, notes, query }) {
      if (mode === 'late') return new Promise(() => {});
      await Promise.resolve();
      if (mode === 'throw') throw new Error('no tenant today');
      if (query === '?deny') return { status: 403, body: 'not né', headers: { 'X-Why': 'tenant' } };
      headers.set(header, params.tenant ?? 'none');
      notes.set('tenant', params.tenant);
      return undefined;
    },
    async onResponse({ headers }, { notes }) {
      if (mode === 'response-late') return new Promise(() => {});
      await Promise.resolve();
      if (mode === 'response-throw') throw new Error('no response today');
      headers.set('X-Served-For', String(notes.get('tenant')));
    },
  }),
});
