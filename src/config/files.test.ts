import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAbsoluteFiles } from './files.ts';

test('relative names start from the folder; what is given stays as it is', () => {
  const given = {
    tls: { certificates: [{ certificate: 'a.pem', key: '/k.pem' }, { certificate: 'b.pem' }] },
    services: { s: { tls: { key: 'secret:k' } }, t: { tls: { key: 't.pem' } } },
    dns: { cookies: { secret: 'cookies' } },
    routes: [{ name: 'r' }],
  };
  const before = structuredClone(given);
  const named = withAbsoluteFiles(given, '/etc/m/config.yaml');
  assert.deepEqual(given, before);
  assert.deepEqual(named, {
    tls: {
      certificates: [
        { certificate: '/etc/m/a.pem', key: '/k.pem' },
        { certificate: '/etc/m/b.pem' },
      ],
    },
    services: { s: { tls: { key: 'secret:k' } }, t: { tls: { key: '/etc/m/t.pem' } } },
    dns: { cookies: { secret: '/etc/m/cookies' } },
    routes: [{ name: 'r' }],
  });
  assert.equal(named.routes, given.routes, 'without names of files nothing is copied');
});
