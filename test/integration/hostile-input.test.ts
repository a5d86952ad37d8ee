import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { lookup } from '../../src/dns/client.ts';
import { send } from '../support/http.ts';
import { type RunningNode, startNode } from '../support/running-node.ts';

describe('a node under hostile input', () => {
  let node: RunningNode;
  const seen: { url: string; headers: Record<string, unknown> }[] = [];
  const origin = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    response.end('ok');
  });

  before(async () => {
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as AddressInfo;
    node = await startNode({
      regions: { here: { address: '{address}', location: { latitude: 0, longitude: 0 } } },
      services: { api: { endpoints: { here: [`127.0.0.1:${port}`] } } },
      routes: [{ name: 'public', prefix: '/public', service: 'api' }],
      zones: { 'x.test': { records: [{ name: 'api', type: 'A', routing: 'latency' }] } },
    });
  });
  after(async () => {
    await node?.stop();
    origin.close();
  });

  const head = (lines: string) => lines.replaceAll('\n', '\r\n');
  const refused: readonly [what: string, request: string, status: number][] = [
    [
      'both framings',
      head(
        'POST /public HTTP/1.1\nHost: a\nContent-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n',
      ),
      400,
    ],
    [
      'two lengths',
      head('POST /public HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n\nab'),
      400,
    ],
    ['a header of 1 MB', head(`GET /public HTTP/1.1\nHost: a\nX: ${'x'.repeat(1 << 20)}\n\n`), 431],
    ['a request line of 1 MB', head(`GET /${'x'.repeat(1 << 20)} HTTP/1.1\nHost: a\n\n`), 414],
    ['no Host', head('GET /public HTTP/1.1\n\n'), 400],
    ['two Hosts', head('GET /public HTTP/1.1\nHost: a\nHost: b\n\n'), 400],
    ['a bare line feed', 'GET /public HTTP/1.1\nHost: a\n\n', 400],
    ['white space before the colon', head('GET /public HTTP/1.1\nHost : a\n\n'), 400],
    [
      'an encoded slash',
      head('GET /public%2f..%2fprivate HTTP/1.1\nHost: a\nConnection: close\n\n'),
      400,
    ],
    ['a backslash', head('GET /public\\..\\private HTTP/1.1\nHost: a\nConnection: close\n\n'), 400],
    ['an encoded NUL', head('GET /public/%00 HTTP/1.1\nHost: a\nConnection: close\n\n'), 400],
    [
      'climbing above the root',
      head('GET /../../etc/passwd HTTP/1.1\nHost: a\nConnection: close\n\n'),
      400,
    ],
    [
      'dots that leave the route',
      head('GET /public/../private HTTP/1.1\nHost: a\nConnection: close\n\n'),
      404,
    ],
    [
      'encoded dots that leave it',
      head('GET /public/%2e%2e/private HTTP/1.1\nHost: a\nConnection: close\n\n'),
      404,
    ],
    ['TLS to the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ];
  for (const [what, request, status] of refused) {
    test(`HTTP: ${what} is answered ${status}, and nothing is forwarded`, async () => {
      const before = seen.length;
      const answer = await exchange(node.address, request);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), answer.slice(0, 200));
      assert.match(answer, /"code":"[a-z_]+"/);
      assert.equal(seen.length, before);
    });
  }

  test('HTTP: one canonical path is routed and forwarded', async () => {
    await send({ address: node.address, host: 'a', path: '/public//a/./b/%2E%2e/c%7e' });
    assert.equal(seen.at(-1)?.url, '/public/a/c~');
  });

  test('HTTP: forged hop and forwarding fields do not arrive', async () => {
    const headers = {
      'Meridian-Hop': '1',
      'Meridian-Client': '1.2.3.4',
      'Meridian-Origin-Region': 'mars',
      'X-Forwarded-For': '1.2.3.4',
      'X-Request-Id': 'forged',
      Forwarded: 'for=1.2.3.4',
    };
    await send({ address: node.address, host: 'a', path: '/public', headers });
    const arrived = JSON.stringify(seen.at(-1)?.headers);
    assert.doesNotMatch(arrived, /1\.2\.3\.4|mars|forged/);
    assert.match(arrived, /"x-forwarded-for":"127\./);
  });

  test('DNS: garbage, loops and a 70,000-byte message leave the server answering', async () => {
    const udp = createSocket('udp4');
    const query = Buffer.from('123401000001000000000000036170690178047465737400', 'hex');
    const packets = [
      Buffer.alloc(0),
      query.subarray(0, 11),
      query,
      Buffer.concat([query.subarray(0, 12), Buffer.from('c00c00010001', 'hex')]),
      Buffer.alloc(512, 0xff),
    ];
    for (const packet of packets) udp.send(packet, 5300, node.address);
    const tcp = connect(5300, node.address);
    tcp.on('error', () => undefined);
    tcp.write(Buffer.concat([Buffer.from([0xff, 0xff]), Buffer.alloc(70_000, 0x41)]));
    const asked = { name: 'api.x.test', type: 'A', timeoutMs: 15_000 };
    const answer = { server: node.address, port: 5300, ...asked };
    for (const transport of ['udp', 'tcp'] as const) {
      const { answers } = await lookup({ ...answer, transport });
      assert.deepEqual(
        answers.map(({ data }) => data),
        [node.address],
      );
    }
    assert.equal((await lookup({ ...answer, name: 'example.org' })).rcode, 'REFUSED');
    udp.close();
    tcp.destroy();
  });

  test('after all of it no thread has died', async () => {
    const answer = await fetch(`http://${node.address}:9000/status`);
    const { threads, degraded } = (await answer.json()) as NodeStatus;
    assert.ok(threads.every(({ serving }) => serving));
    assert.deepEqual(degraded, []);
    const log = await send({ address: node.address, host: 'a', path: '/public' });
    assert.equal(log.status, 200);
  });
});

/** Sends octets as they are and gives all that comes back until the end. */
async function exchange(address: string, octets: string): Promise<string> {
  const socket = connect(8080, address);
  let answer = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => undefined);
  socket.write(octets, 'latin1');
  await once(socket, 'close');
  return answer;
}
