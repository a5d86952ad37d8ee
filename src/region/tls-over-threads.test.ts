import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { certifyHosts } from '../../test/support/certificates.ts';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { systemClock } from '../base/clock.ts';
import { createAuthority } from '../link/authority.ts';
import { createLog } from '../observability/log.ts';
import { startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.2';
const location = { latitude: 1, longitude: 2 };
/** As many that all meet the thread of the first once in a thousand runs, which then tell nothing. */
const tries = 11;

test('a TLS session is resumed by every thread, over a renewed certificate and on listeners that come later', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-tls-'));
  const state = join(directory, 'state');
  const [http, https, dns, link, admin, further] = await freePorts(6, address);
  const authority = await createAuthority();
  const configPath = join(directory, 'meridian.json');
  const configure = async (listeners: object) => {
    const { cert, key } = await certifyHosts(authority, ['a.test']);
    await writeFile(join(directory, 'cert.pem'), cert);
    await writeFile(join(directory, 'key.pem'), key);
    const document = {
      regions: { here: { address, location } },
      ports: { http, https, dns, link, admin },
      threads: { gateway: 2 },
      tls: { certificate: 'cert.pem', key: 'key.pem' },
      listeners,
    };
    await writeFile(configPath, JSON.stringify(document));
  };
  const meet = async (port: number, session?: Buffer) => {
    const options: ConnectionOptions = { host: address, servername: 'a.test', ca: authority.cert };
    const client = await RawClient.connectTls({ ...options, port, ...(session && { session }) });
    const socket = client.socket as TLSSocket;
    const ticket = once(socket, 'session');
    const { status } = await client.request(
      'GET /.meridian/health HTTP/1.1\r\nHost: a.test\r\n\r\n',
    );
    assert.equal(status, 200);
    const made = session ?? ((await ticket) as [Buffer])[0];
    const serial = socket.getPeerCertificate().serialNumber;
    const resumed = socket.isSessionReused();
    client.close();
    return { made, resumed, serial };
  };
  await (await takeStateDirectory(state)).release();
  await configure({});
  const log = createLog({ region: 'here', clock: systemClock, write: () => undefined });
  const options = { region: 'here', stateDirectory: state, adminToken: undefined };
  const node = await startNode({ ...options, configPath, version: '0', log });
  try {
    const first = await meet(https!);
    for (let times = 0; times < tries; times++) {
      assert.ok((await meet(https!, first.made)).resumed, String(times));
    }
    await configure({ partners: { port: further } });
    await eventually('the listener of the next revision', () =>
      meet(further!).then(
        () => true,
        () => false,
      ),
    );
    const isRenewed = async () => (await meet(https!)).serial !== first.serial;
    await eventually('the renewed certificate', isRenewed);
    for (let times = 0; times < tries; times++) {
      assert.ok((await meet(https!, first.made)).resumed, `renewed ${times}`);
    }
    assert.ok(!(await meet(further!, first.made)).resumed, 'of another listener');
  } finally {
    await node.close();
    await rm(directory, { recursive: true });
  }
});
