import { setTimeout as delay } from 'node:timers/promises';
import { definePolicy } from 'meridian-gateway/policy';

/** Does what the query says: `?never`, `?soon`, `?deny`, `?reject` for requests, `?response-…` for responses. */
export default definePolicy({
  name: 'waiting',
  create: () => ({
    async onRequest({ query }) {
      if (query === '?never') await new Promise(() => {});
      if (query !== '') await delay(3);
      if (query === '?reject') throw new Error('rejected');
      return query === '?deny' ? { status: 403, body: 'no' } : undefined;
    },
    async onResponse(_response, { query }) {
      if (query === '?response-never') await new Promise(() => {});
      if (query.startsWith('?response')) await delay(3);
      if (query === '?response-reject') throw new Error('rejected');
    },
  }),
});
