import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
after(() => rmSync(folder, { recursive: true }));

const location = { latitude: 0, longitude: 0 };
const region = (n: number) => ({ address: `203.0.113.${n}`, location });
const file = join(folder, 'meridian.json');
const regions = { a: region(1), b: region(2), c: region(3) };
const servers = Object.fromEntries(
  Object.entries(regions).map(([name, { address }]) => [name, [`nats://${address}:4222`]]),
);
const store = { engine: 'jetstream', tls: true, servers };
writeFileSync(file, JSON.stringify({ regions, store }));

function storeConfig(
  ...args: string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, 'store', 'config', file, ...args],
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

test('writes the files of a region and says what its certificate must name', async () => {
  const out = join(folder, 'made');
  const written = await storeConfig('--region', 'a', '--out', out, '--host', 'b=b.example.net');
  assert.equal(written.status, 0, written.stderr);
  assert.deepEqual(readdirSync(out).sort(), ['hub.conf', 'leaf.conf']);
  assert.match(readFileSync(join(out, 'hub.conf'), 'utf8'), /nats-route:\/\/b\.example\.net:6222/);
  assert.match(
    written.stdout,
    /must name DNS:a\.region\..*DNS:hub\.meridian\.internal, IP:203\.0\.113\.1/,
  );

  const asJson = await storeConfig('--region', 'a', '--leaf', '--json', '--port', 'leafnodes=8422');
  const { files } = JSON.parse(asJson.stdout);
  assert.deepEqual(
    files.map((one: { name: string }) => one.name),
    ['leaf.conf'],
  );
  assert.match(files[0].text, /nats-leaf:\/\/203\.0\.113\.2:8422/);
});

test('refuses what it does not understand', async () => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /required option '--region <name>'/],
    [['--region', 'mars'], 1, /no region "mars"/],
    [['--region', 'a', '--voter', '--leaf'], 2, /cannot be used with/],
    [['--region', 'a', '--host', 'b'], 2, /Expected a region and its host/],
    [['--region', 'a', '--port', 'hub=0'], 2, /Expected leaf, hub, cluster, leafnodes and a port/],
  ];
  await Promise.all(
    cases.map(async ([args, status, message]) => {
      const { stderr, ...result } = await storeConfig(...args);
      assert.match(stderr, message);
      assert.equal(result.status, status, stderr);
    }),
  );
});
