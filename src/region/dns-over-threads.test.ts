import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect } from 'node:tls';
import { certifyHosts } from '../../test/support/certificates.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { systemClock } from '../base/clock.ts';
import { frame } from '../dns/client/tcp.ts';
import { optionOf, rawQuery } from '../dns/testdata/raw-query.ts';
import { optionCode } from '../dns/wire/codes.ts';
import { decodeMessage } from '../dns/wire/message.ts';
import { createAuthority } from '../link/authority.ts';
import { createLog } from '../observability/log.ts';
import { startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.3';
const location = { latitude: 1, longitude: 2 };
/** Clients with ports of their own; that all meet one of two threads happens once in 30,000 runs. */
const clients = 16;
const limit = 20;

/** As long as what is not answered is waited for. */
const silenceMs = 300;

/** A port of its own, hence one of the threads. */
class Client {
  answered = 0;
  readonly #socket: Socket = createSocket('udp4').on('message', () => this.answered++);

  send(port: number, cookie: Buffer = Buffer.alloc(8, 1)): void {
    const options = [[optionCode.cookie, cookie]] as const;
    this.#socket.send(rawQuery({ name: 'www.a.test', options }), port, address);
  }

  async ask(port: number, cookie?: Buffer): Promise<Buffer | undefined> {
    const answered = once(this.#socket, 'message', { signal: AbortSignal.timeout(20_000) });
    this.send(port, cookie);
    const [response] = await answered.catch(() => []);
    return response as Buffer | undefined;
  }

  close(): void {
    this.#socket.close();
  }
}

test('all threads of a node count as one, take each other’s cookies and sessions, and move together', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-dns-'));
  const state = join(directory, 'state');
  const [http, https, dns, link, admin, dot, moved] = await freePorts(7, address);
  const authority = await createAuthority();
  const configPath = join(directory, 'meridian.json');
  const configure = async (ports: object, value: string) => {
    const { cert, key } = await certifyHosts(authority, ['ns.test']);
    await writeFile(join(directory, 'cert.pem'), cert);
    await writeFile(join(directory, 'key.pem'), key);
    const document = {
      regions: { here: { address, location } },
      ports: { http, https, link, admin, dot, ...ports },
      threads: { gateway: 1, dns: 2 },
      tls: { certificate: 'cert.pem', key: 'key.pem' },
      dns: { rateLimit: { responses: limit, slip: 0, exempt: [] } },
      zones: { 'a.test': { records: [{ name: 'www', type: 'A', values: [value] }] } },
    };
    await writeFile(configPath, JSON.stringify(document));
  };
  const meet = async (session?: Buffer) => {
    const options: ConnectionOptions = { host: address, servername: 'ns.test', ca: authority.cert };
    const socket = connect({
      ...options,
      port: dot!,
      ALPNProtocols: ['dot'],
      ...(session && { session }),
    });
    const ticket = session ? undefined : once(socket, 'session');
    await once(socket, 'secureConnect');
    socket.write(frame(rawQuery({ name: 'www.a.test' })));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    const resumed = socket.isSessionReused();
    const made = session ?? ((await ticket) as [Buffer])[0];
    socket.destroy();
    return { made, resumed, value: decodeMessage(chunk.subarray(2)).answers[0]?.data };
  };
  await (await takeStateDirectory(state)).release();
  await configure({ dns }, '192.0.2.1');
  const log = createLog({ region: 'here', clock: systemClock, write: () => undefined });
  const options = { region: 'here', stateDirectory: state, adminToken: undefined };
  const node = await startNode({ ...options, configPath, version: '0', log });
  const all = Array.from({ length: clients }, () => new Client());
  const answered = () => all.reduce((sum, client) => sum + client.answered, 0);
  const countOf = async (start: string) => {
    const page = await (await fetch(`http://${address}:${admin}/metrics`)).text();
    const line = page.split('\n').find((one) => one.startsWith(start));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  try {
    const askedMs = performance.now();
    const first = (await all[0]!.ask(dns!))!;
    const cookie = optionOf(first, optionCode.cookie)!;
    for (let times = 0; times < 10; times++) for (const client of all) client.send(dns!);
    await eventually('each to be answered or dropped', async () => {
      const dropped = await countOf('meridian_dns_rate_limited_total{action="drop",kind="answer"}');
      return answered() + dropped === 1 + 10 * clients;
    });
    const seconds = (performance.now() - askedMs) / 1_000;
    assert.ok(answered() >= limit, `${answered()} answered`);
    assert.ok(answered() < (1.7 + seconds) * limit, `${answered()} answered`);
    for (const client of all) {
      const response = await client.ask(dns!, cookie);
      assert.equal(decodeMessage(response!).answers.length, 1, 'a cookie of another thread');
    }
    const session = await meet();
    for (let times = 0; times < clients; times++) {
      assert.ok((await meet(session.made)).resumed, String(times));
    }
    assert.equal(await countOf('meridian_dns_cookies_total{verdict="valid"}'), clients);
    const overTls = 'meridian_dns_queries_total{transport="tls",type="A"}';
    assert.equal(await countOf(overTls), clients + 1);

    await configure({ dns: moved }, '192.0.2.2');
    const last = all[0]!.answered;
    await eventually('the other port', () => {
      all[0]!.send(moved!, cookie);
      return all[0]!.answered > last;
    });
    await delay(silenceMs);
    for (const client of all) {
      const response = await client.ask(moved!, cookie);
      assert.equal(decodeMessage(response!).answers[0]?.data, '192.0.2.2');
    }
    let before = Number.NaN;
    while (before !== answered()) {
      before = answered();
      await delay(silenceMs);
    }
    for (const client of all) client.send(dns!, cookie);
    await delay(silenceMs);
    assert.equal(answered(), before, 'the port of before is left');
    const later = await meet(session.made);
    assert.deepEqual([later.value, later.resumed], ['192.0.2.2', true]);
  } finally {
    for (const client of all) client.close();
    await node.close();
    await rm(directory, { recursive: true });
  }
});
