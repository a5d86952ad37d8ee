import { definePolicy } from 'meridian-gateway/policy';

export default definePolicy({
  name: 'echo-path',
  create: () => ({
    onRequest({ headers, path, params }) {
      headers.set('X-Policy-Path', path);
      headers.set('X-Params', JSON.stringify(params));
      return undefined;
    },
  }),
});
