import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { RawOrigin } from '../../test/support/raw-origin.ts';

const plugin = fileURLToPath(new URL('./policies/testdata/echo-path.ts', import.meta.url));
const location = { latitude: 0, longitude: 0 };

/** Ways in which a path is written so that some server takes it for another one. */
const piece = fc.constantFrom(
  ...['/', '//', '/./', '/../', '/..', '/.', '%2e', '%2E%2e', '%2f', '%5c', '\\', '%00', '%25'],
  ...[
    'admin',
    'a%64min',
    '%61dmin',
    'public',
    'ADMIN',
    '%c3%a9',
    '%C3%A9',
    '%c0%af',
    ';x=1',
    '..;',
  ],
  ...['%', '%zz', '?', '#', '&', ' ', '\t', 'é', '"', '<', '~', '%7e', '+', '%20'],
);

test('router, policies, log and service see one and the same path, however it was written', async () => {
  await using origin = await RawOrigin.listen();
  const policies = [{ type: 'plugin' as const, plugin: 'echo' }];
  await using started = await startGateway({
    config: {
      regions: { eu: { address: '127.0.0.1', location } },
      services: { s: { endpoints: { eu: [`127.0.0.1:${origin.port}`] } } },
      plugins: { echo: plugin },
      routes: [
        { name: 'admin', prefix: '/admin', service: 's', policies },
        { name: 'pair', pattern: '/public/:name', service: 's', policies },
        { name: 'all', service: 's', policies },
      ],
    },
  });
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 7 }), async (pieces) => {
      using client = await RawClient.connect(started.port);
      const seen = origin.requests.length;
      const target = `/${pieces.join('')}`;
      const response = await client.request(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const entry = started.log.at(-1)!;
      if (response.status !== 200) {
        assert.equal(response.status, 400, target);
        assert.equal(origin.requests.length, seen, 'what was refused is not forwarded');
        return;
      }
      passed++;
      const { head } = origin.requests.at(-1)!;
      const path = /^GET ([^ ?]*)/.exec(head)![1]!;
      assert.equal(/^X-Policy-Path: (.*)\r$/m.exec(head)![1], path);
      assert.equal(entry.path, path);
      const route = /^\/admin(\/|$)/.test(path)
        ? 'admin'
        : /^\/public\/[^/]+$/.test(path)
          ? 'pair'
          : 'all';
      assert.equal(entry.route, route, path);
      const name = route === 'pair' ? { name: path.slice('/public/'.length) } : {};
      assert.equal(/^X-Params: (.*)\r$/m.exec(head)![1], JSON.stringify(name));
    }),
    { numRuns: 300 },
  );
  assert.ok(passed > 30, `${passed} paths were accepted`);
});
