import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { assertEditable } from '../../src/gateway/policies/field-editor.ts';
import { createAuthority } from '../../src/link/authority.ts';
import { certify, certifyHosts } from '../support/certificates.ts';
import { startGateway } from '../support/gateways.ts';
import { RawClient } from '../support/raw-client.ts';
import { okResponse, RawOrigin } from '../support/raw-origin.ts';
import { configOf } from './example-config.ts';
import { blocksOf, isBlock, partsOf } from './markdown.ts';

const page = 'docs/guides/policies.md';
const example = resolve(import.meta.dirname, '../../examples/policy');

test('the example of the page on policies is that of its folder, and does what it says', async () => {
  const [yaml] = blocksOf(page, 'yaml');
  assert.equal(yaml!.text, readFileSync(join(example, 'meridian.yaml'), 'utf8'));
  assert.equal(blocksOf(page, 'ts')[0]!.text, readFileSync(join(example, 'tenant.ts'), 'utf8'));
  await using origin = await RawOrigin.listen();
  origin.respond = (_, socket) =>
    void socket.write(okResponse('ok', 'Server: x\r\nX-Powered-By: y\r\n'));
  const [authority, partners] = await Promise.all([createAuthority(), createAuthority()]);
  const own = await certifyHosts(authority, ['a.test']);
  const known = await certify(partners, { subject: [{ CN: ['acme'] }] });
  const tls = { certificates: [own], clients: { ca: partners.cert, mode: 'require' } } as const;
  const host = '127.0.0.1';
  const written = configOf(yaml!);
  const config = {
    ...written,
    plugins: { tenant: join(example, 'tenant.ts') },
    services: { orders: { endpoints: { home: [`${host}:${origin.port}`] } } },
  };
  const listen = { http: { host, port: 0 }, https: { host, port: 0, tls } };
  await using started = await startGateway({ config, region: 'home', listen });
  using plain = await RawClient.connect(started.port);
  const sent =
    'Host: a.test\r\nCookie: a=b\r\nX-Tenant: forged\r\nX-SSL-Client-Subject: forged\r\n\r\n';
  assert.equal((await plain.request(`GET /initech/orders HTTP/1.1\r\n${sent}`)).status, 403);
  const response = await plain.request(`GET /acme/orders HTTP/1.1\r\n${sent}`);
  assert.match(response.head, /^Server-Timing: service;dur=\d+\.\d\r$/m);
  assert.match(response.head, /^Strict-Transport-Security: max-age=31536000\r$/m);
  assert.doesNotMatch(response.head, /^(Server|X-Powered-By):/m);
  const seen = (name: string) =>
    new RegExp(`^${name}: (.*)\r$`, 'im').exec(origin.requests.at(-1)!.head)?.[1];
  assert.deepEqual(
    ['X-Tenant', 'X-SSL-Client-Subject', 'Cookie', 'X-Environment', 'X-Seen-By'].map(seen),
    ['acme', undefined, undefined, 'live', 'meridian'],
  );
  using partner = await RawClient.connectTls({
    port: started.gateway.ports.https!,
    servername: 'a.test',
    ca: authority.cert,
    ...known,
  });
  assert.equal((await partner.request(`GET /globex/orders HTTP/1.1\r\n${sent}`)).status, 200);
  assert.equal(seen('X-SSL-Client-Subject'), 'CN=acme');
});

test('what policies cannot change is what the page names', () => {
  const row = partsOf(page)
    .flatMap((part) => (isBlock(part) ? [] : part.rows))
    .find(([what]) => what === 'change what the gateway writes itself');
  const names = [...row![1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  assert.ok(names.length > 10);
  for (const name of names) {
    const one = name === 'Proxy-*' ? 'Proxy-Authorization' : name.replace('*', 'X');
    assert.throws(() => assertEditable(one), { code: 'field_not_editable' }, name);
  }
});
