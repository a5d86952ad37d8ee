import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { noMaterial } from '../configuration/material.ts';
import { gatewayListeners, portNeeds } from './listeners.ts';

const location = { latitude: 1, longitude: 2 };
const own = { region: 'here', node: 'here', bind: '127.0.0.9' } as Parameters<
  typeof gatewayListeners
>[1];
const certificates = [{ cert: 'c', key: 'k' }];
const identity = { ca: 'a', cert: 'c', key: 'k' };
const parse = (more: Partial<ConfigInput> = {}) =>
  configSchema.parse({ regions: { here: { address: '127.0.0.1', location } }, ...more });
const at = (port: number) => ({ host: '127.0.0.9', port, http2: true });

test('without anything but certificates there are the listeners that every region has', () => {
  const config = parse();
  assert.deepEqual(gatewayListeners(config, own, noMaterial), { http: at(8080) });
  const material = { ...noMaterial, listeners: { https: { certificates } }, identity };
  const listen = gatewayListeners(config, own, material);
  const tls = { certificates, policy: 'intermediate', unknownNames: 'serve' };
  assert.deepEqual(listen, {
    http: at(8080),
    https: { ...at(8443), tls },
    link: { host: '127.0.0.9', port: 9443, identity },
  });
});

test('settings of listeners reach the gateway, those of `tls` where a listener has none', () => {
  const config = parse({
    ports: { https: 443 },
    tls: { policy: 'modern', clientCertificates: { authority: 'ca', mode: 'request' } },
    listeners: {
      http: { redirect: 'https' },
      partners: {
        port: 8444,
        http2: false,
        proxyProtocol: { from: ['10.0.0.0/8'] },
        tls: { unknownNames: 'refuse' },
      },
      inside: { port: 8081, protocol: 'http', redirect: { port: 8444 } },
    },
  });
  const listeners = {
    https: { certificates, clientAuthority: 'A' },
    partners: { certificates },
  };
  assert.deepEqual(gatewayListeners(config, own, { ...noMaterial, listeners }), {
    http: { ...at(8080), redirect: { port: 443 } },
    https: {
      ...at(443),
      tls: {
        certificates,
        policy: 'modern',
        unknownNames: 'serve',
        clients: { ca: 'A', mode: 'request' },
      },
    },
    partners: {
      ...at(8444),
      http2: false,
      proxies: ['10.0.0.0/8'],
      tls: { certificates, policy: 'intermediate', unknownNames: 'refuse' },
    },
    inside: { ...at(8081), redirect: { port: 8444 } },
  });
  const ports = portNeeds(config, own, { ...noMaterial, listeners }).map(
    ({ purpose, port }) => `${purpose} ${port}`,
  );
  assert.deepEqual(ports, [
    'admin 9000',
    'http 8080',
    'https 443',
    'partners 8444',
    'inside 8081',
    'dns 5300',
    'dns 5300',
  ]);
});

test('where the authority of clients is missing nobody is served rather than everybody', () => {
  const config = parse({ tls: { clientCertificates: { authority: 'ca' } } });
  const material = { ...noMaterial, listeners: { https: { certificates } } };
  assert.deepEqual(Object.keys(gatewayListeners(config, own, material)), ['http']);
});
