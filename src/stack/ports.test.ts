import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventuallyRight } from '../../test/support/eventually.ts';
import type { PortNeed } from '../region/data-plane/ports.ts';
import { claimPorts } from './ports.ts';
import { covers, parseSockets } from './processes/port-holders.ts';

/** Of our own, so that ports that others of this machine use do not matter. */
const host = `127.${[0, 0, 0].map(() => 1 + Math.floor(Math.random() * 250)).join('.')}`;

/** Another program that listens on a port of its choice and prints it. */
async function holder(source: string) {
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { pid: child.pid!, port: Number(line), end };
}

const tcpHolder = (options: object) =>
  holder(`const server = require('net').createServer();
    server.listen(${JSON.stringify({ port: 0, ...options })}, () => console.log(server.address().port));`);

const udpHolder = (options: object) =>
  holder(`const socket = require('dgram').createSocket(${JSON.stringify({ type: 'udp4', ...options })});
    socket.bind(0, '${host}', () => console.log(socket.address().port));`);

const need = (transport: 'tcp' | 'udp', port: number): PortNeed => ({
  purpose: 'HTTP of eu',
  host,
  port,
  transport,
});

const holders = {
  'an exclusive listener': () => tcpHolder({ host }),
  'a listener with SO_REUSEPORT': () => tcpHolder({ host, reusePort: true }),
  'a listener on 0.0.0.0': () => tcpHolder({ host: '0.0.0.0' }),
  'a listener on ::': () => tcpHolder({ host: '::' }),
};

for (const [name, start] of Object.entries(holders)) {
  test(`${name} is found and named`, async (t) => {
    const other = await start();
    t.after(() => other.end());
    await assert.rejects(claimPorts([need('tcp', other.port)]), (error: Error) => {
      assert.equal((error as Error & { code: string }).code, 'port_taken');
      const place = `${host}:${other.port}/tcp (HTTP of eu): held by pid ${other.pid} (`;
      assert.ok(error.message.includes(place), error.message);
      assert.match(error.message, /--port-offset N or --loopback N/);
      return true;
    });
  });
}

test('a port that two of the stack would have is named with both', async () => {
  const node = { ...need('tcp', 8_080), purpose: 'HTTP of eu/b' };
  const service = { ...node, purpose: 'service rates of eu' };
  const other = { ...node, transport: 'udp' as const };
  await assert.rejects(claimPorts([node, service, other]), {
    code: 'port_taken',
    message: `the configuration gives a port twice:\n  ${host}:8080/tcp: HTTP of eu/b and service rates of eu`,
  });
});

test('UDP ports are proved apart from TCP ports, SO_REUSEPORT or not', async (t) => {
  for (const options of [{}, { reusePort: true }]) {
    const other = await udpHolder(options);
    t.after(() => other.end());
    await claimPorts([need('tcp', other.port)]);
    await assert.rejects(claimPorts([need('udp', other.port)]), {
      message: new RegExp(`${host}:${other.port}/udp .*held by pid ${other.pid} `),
    });
  }
});

test('all taken ports are told at once, by holder', async (t) => {
  const [one, two] = [await tcpHolder({ host }), await tcpHolder({ host })];
  t.after(() => Promise.all([one.end(), two.end()]));
  await assert.rejects(
    claimPorts([one, two].map(({ port }) => need('tcp', port))),
    (error: Error) => {
      assert.match(error.message, /^the stack cannot have 2 ports:\n/);
      for (const { pid, port } of [one, two]) {
        assert.match(error.message, new RegExp(`:${port}/tcp .*: held by pid ${pid} `));
      }
      return true;
    },
  );
});

test('an address that is not of this machine is told as such', async () => {
  const elsewhere = { ...need('tcp', 8_080), host: '192.0.2.1' };
  await assert.rejects(claimPorts([elsewhere]), {
    code: 'port_unusable',
    message: /192\.0\.2\.1:8080 .*EADDRNOTAVAIL/,
  });
});

test('free ports are free again after the proof', async () => {
  const free = await tcpHolder({ host });
  await free.end();
  const needs = [need('tcp', free.port), need('udp', free.port)];
  await eventuallyRight(() => claimPorts(needs));
  await claimPorts(needs);
});

test('/proc/net is read by field, listening TCP sockets only', () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0101007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 10834 1 0000000000000000 100 0 0 10 0
   1: 0101007F:1F90 0101007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 10901 1 0000000000000000 20 4 30 10 -1
`;
  assert.deepEqual(parseSockets(text, 'tcp'), [
    { addressHex: '0101007F', port: 8_080, inode: '10834', uid: 1_000 },
  ]);
  assert.equal(parseSockets(text, 'udp').length, 2);
});

test('an address is covered by itself, by wildcards and by its mapped form', () => {
  assert.equal(covers('0201007F', '127.0.1.2'), true);
  assert.equal(covers('0200007F', '127.0.1.2'), false);
  assert.equal(covers('00000000', '127.0.1.2'), true);
  assert.equal(covers('0'.repeat(32), '127.0.1.2'), true);
  assert.equal(covers('0000000000000000FFFF00000201007F', '127.0.1.2'), true);
  assert.equal(covers('00000000000000000000000001000000', '127.0.0.1'), false);
});
