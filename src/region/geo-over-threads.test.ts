import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { systemClock } from '../base/clock.ts';
import { lookup } from '../dns/client.ts';
import { createLog } from '../observability/log.ts';
import { mmdbFile } from '../steering/testdata/mmdb-file.ts';
import { startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.7';
const location = { latitude: 1, longitude: 2 };
/** Each has a port of its own, so all threads answer some. */
const queries = 16;

const city = (country: string, subdivision: string) =>
  mmdbFile({
    '8.0.0.0/8': { country: { iso_code: country }, subdivisions: [{ iso_code: subdivision }] },
  });

async function startLocated(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-geo-'));
  const [http, https, dns, link, admin] = await freePorts(5, address);
  const database = join(directory, 'city.mmdb');
  /** As operators do it: a name that never holds half a file. */
  const replace = async (content: Buffer) => {
    await writeFile(`${database}.new`, content);
    await rename(`${database}.new`, database);
  };
  await replace(city('US', 'CA'));
  const answers = [
    { location: { subdivision: 'US-CA' }, values: ['192.0.2.1'] },
    { location: { subdivision: 'DE-BE' }, values: ['192.0.2.2'] },
    { location: { country: 'US' }, values: ['192.0.2.3'] },
    { default: true, values: ['192.0.2.4'] },
  ];
  const document = {
    regions: { here: { address, location } },
    ports: { http, https, dns, link, admin },
    threads: { gateway: 1, dns: 2 },
    geo: { database: 'city.mmdb' },
    zones: {
      'a.test': { records: [{ name: 'www', type: 'A', routing: 'geolocation', answers }] },
    },
  };
  const configPath = join(directory, 'meridian.json');
  await writeFile(configPath, JSON.stringify(document));
  const state = join(directory, 'state');
  await (await takeStateDirectory(state)).release();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ region: 'here', clock: systemClock, write });
  const options = { region: 'here', stateDirectory: state, adminToken: undefined };
  const node = await startNode({ ...options, configPath, version: '0', log });
  t.after(async () => {
    await node.close();
    await rm(directory, { recursive: true });
  });
  const server = { server: address, port: dns! };
  const answered = async () => {
    const one = async () => {
      const { answers } = await lookup({
        ...server,
        name: 'www.a.test',
        type: 'A',
        subnet: '8.8.8.0/24',
        timeoutMs: 15_000,
      });
      return answers.map(({ data }) => data).join();
    };
    return [...new Set(await Promise.all(Array.from({ length: queries }, one)))];
  };
  const show = async (path: string) => (await fetch(`http://${address}:${admin}${path}`)).text();
  return { database, replace, answered, show, lines, node };
}

test('another database is taken up by all threads; a damaged one leaves the one before in use', async (t) => {
  const { database, replace, answered, show, lines, node } = await startLocated(t);
  assert.deepEqual(await answered(), ['192.0.2.1'], 'by subdivision');
  const { geo } = JSON.parse(await show('/status'));
  assert.deepEqual(
    [geo.source, geo.type, geo.builtAt],
    [database, 'test', '2023-11-14T22:13:20.000Z'],
  );
  assert.match(await show('/metrics'), /^meridian_geo_database_age_seconds \d{7,}$/m);

  await replace(city('DE', 'BE'));
  await eventually('the new database', async () => (await answered()).join() === '192.0.2.2');

  await replace(city('US', 'NY').subarray(0, -20));
  const troubles = async (): Promise<string[]> => JSON.parse(await show('/status')).degraded;
  await eventually('the error', async () =>
    (await troubles()).some((told) => told.includes(`cannot read the GeoIP database ${database}`)),
  );
  const isLogged = () => lines.some((line) => line.includes('stays in use'));
  await eventually('the error in the log too', isLogged);
  assert.deepEqual(await answered(), ['192.0.2.2']);

  await writeFile(database, city('US', 'NY'));
  node.reload(); // as SIGHUP does
  await eventually('the whole one', async () => (await answered()).join() === '192.0.2.3');
  const isTrouble = (told: string) => told.includes('GeoIP');
  await eventually('no trouble', async () => !(await troubles()).some(isTrouble));
});
