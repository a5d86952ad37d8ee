import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import { createAuthority } from '../../link/authority.ts';
import { ProbedWorld } from './testdata/probed-world.ts';

const world = new ProbedWorld();
after(() => world.close());
const { serve, serveSecurely, outcome } = world;

const authority = await createAuthority();
const others = await createAuthority();
const day = (n: number) => new Date(Date.now() + n * 86_400_000);
const dated = (date: Date) => date.toISOString().slice(0, 10);
const pair = await certifyHosts(authority, ['api.test', '127.0.0.1']);
const trusted = { authority: authority.cert };
const reading = (socket: Socket) => void socket.resume();

const tls = { type: 'tls' };

test('TLS: a handshake with a certificate that is trusted is enough', async () => {
  const port = await serveSecurely(pair, reading);
  assert.equal(await outcome(port, tls, trusted), 'ok: TLS handshake done');
  const named = { ...tls, serverName: 'api.test' };
  assert.equal(await outcome(port, named, trusted), 'ok: TLS handshake done');
});

test('TLS: certificates that do not hold are told apart, and none matters without `verify`', async () => {
  const port = await serveSecurely(pair, reading);
  const untrusted = 'failed: the certificate is of an authority that is not trusted';
  assert.equal(await outcome(port, tls, { authority: others.cert }), untrusted);
  assert.equal(await outcome(port, tls), untrusted);
  assert.equal(
    await outcome(port, { ...tls, serverName: 'b.test' }, trusted),
    'failed: the certificate is not for b.test',
  );
  const foreign = await serveSecurely(await certifyHosts(authority, ['api.test']), reading);
  assert.equal(
    await outcome(foreign, tls, trusted),
    'failed: the certificate is not for 127.0.0.1',
  );
  const past = { from: day(-9), until: day(-2) };
  const expired = await serveSecurely(await certifyHosts(authority, ['127.0.0.1'], past), reading);
  const words = `the certificate expired on ${dated(past.until)}`;
  assert.equal(await outcome(expired, tls, trusted), `failed: ${words}`);
  const future = { from: day(2), until: day(9) };
  const early = await serveSecurely(await certifyHosts(authority, ['127.0.0.1'], future), reading);
  assert.equal(await outcome(early, tls, trusted), 'failed: the certificate is not valid yet');
  const blind = { ...tls, verify: false };
  assert.equal(await outcome(port, blind), 'ok: TLS handshake done');
  assert.equal(await outcome(expired, blind), `ok: TLS handshake done; ${words}`);
});

test('TLS: a certificate that ends soon is told of while all is well', async () => {
  const until = day(5);
  const soon = await serveSecurely(
    await certifyHosts(authority, ['127.0.0.1'], { until }),
    reading,
  );
  assert.equal(
    await outcome(soon, tls, trusted),
    `ok: TLS handshake done; the certificate expires on ${dated(until)}`,
  );
});

test('TLS: what is no TLS, ends or stays silent is told apart', async () => {
  const clear = await serve((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assert.equal(await outcome(clear, tls, trusted), 'failed: what answers is not TLS');
  const closing = await serve((socket) => socket.once('data', () => socket.destroy()));
  assert.equal(await outcome(closing, tls, trusted), 'failed: closed during the TLS handshake');
  const silent = await serve(() => undefined);
  assert.equal(
    await outcome(silent, { ...tls, firstByteTimeout: '60ms' }, trusted),
    'failed: no first byte within 60 ms',
  );
  const refusing = await serveSecurely(
    { ...pair, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' },
    reading,
  );
  assert.match(await outcome(refusing, tls, trusted), /^failed: TLS handshake failed: /);
});

test('HTTPS: name, address and authority are those of the check', async () => {
  const seen: string[] = [];
  const wanted = await certify(authority, {
    subject: [{ CN: ['shop'] }],
    names: [{ type: 'dns', value: 'shop.test' }],
  });
  const port = await serveSecurely(wanted, (socket) => {
    socket.once('data', (bytes) => {
      const { servername, alpnProtocol } = socket as TLSSocket;
      seen.push(`${servername} ${alpnProtocol} ${/Host: (.*)\r/.exec(bytes.toString())?.[1]}`);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfit');
    });
  });
  const https = { type: 'https', contains: 'fit' };
  const fine = 'ok: status 200, with the text';
  assert.equal(await outcome(port, { ...https, host: 'shop.test:443' }, trusted), fine);
  assert.equal(await outcome(port, { ...https, serverName: 'shop.test' }, trusted), fine);
  const address = `127.0.0.1:${port}`;
  assert.equal(await outcome(port, https, trusted), 'failed: the certificate is not for 127.0.0.1');
  assert.deepEqual(seen, ['shop.test false shop.test:443', `shop.test false ${address}`]);
  const failing = await serveSecurely(pair, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 503 Out\r\n\r\n'));
  });
  assert.equal(await outcome(failing, { type: 'https' }, trusted), 'failed: status 503');
});
