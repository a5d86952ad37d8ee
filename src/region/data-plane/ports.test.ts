import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { provePortsFree } from './ports.ts';

const host = '127.0.0.1';

test('a port that another listener shares by SO_REUSEPORT is still found taken', async () => {
  const tcp = createServer().listen({ host, port: 0, reusePort: true });
  await once(tcp, 'listening');
  const udp = createSocket({ type: 'udp4', reusePort: true });
  udp.bind({ address: host, port: 0 });
  await once(udp, 'listening');
  const tcpPort = (tcp.address() as AddressInfo).port;
  const udpPort = udp.address().port;
  try {
    await assert.rejects(
      provePortsFree([
        { purpose: 'http', host, port: tcpPort, transport: 'tcp' },
        { purpose: 'dns', host, port: udpPort, transport: 'udp' },
      ]),
      {
        code: 'port_taken',
        message: `tcp ${host}:${tcpPort} (http) is taken by another program; udp ${host}:${udpPort} (dns) is taken by another program`,
      },
    );
  } finally {
    tcp.close();
    udp.close();
  }
});

test('an address that is not of this machine is named as such', async () => {
  await assert.rejects(
    provePortsFree([{ purpose: 'http', host: '192.0.2.1', port: 80, transport: 'tcp' }]),
    { code: 'port_unusable', message: /192\.0\.2\.1:80 \(http\): EADDRNOTAVAIL/ },
  );
});

test('free ports pass and stay free', async () => {
  const probe = createServer().listen({ host, port: 0 });
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const needs = [
    { purpose: 'dns', host, port, transport: 'tcp' as const },
    { purpose: 'dns', host, port, transport: 'udp' as const },
  ];
  await provePortsFree(needs);
  await provePortsFree(needs);
});
