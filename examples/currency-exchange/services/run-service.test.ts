import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { EnvironmentError, readEnvironment } from './environment.ts';
import { until } from './testing/running-service.ts';

/** `node SERVICE/main.ts` with only `variables` in its environment. */
function run(t: TestContext, service: 'rates' | 'convert', variables: Record<string, string>) {
  const file = new URL(`./${service}/main.ts`, import.meta.url);
  const child = spawn(process.execPath, [file.pathname], { env: variables });
  t.after(() => child.kill('SIGKILL'));
  const seen = { child, output: '', status: undefined as number | null | undefined };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      seen.output += text;
    });
  }
  child.on('close', (status) => {
    seen.status = status;
  });
  return seen;
}

for (const [service, path] of [
  ['rates', '/v1/rates?base=EUR&symbols=USD'],
  ['convert', '/v1/convert?from=EUR&to=USD&amount=12.50'],
] as const) {
  test(`${service} runs as a process and ends gracefully`, async (t) => {
    const seen = run(t, service, { REGION: 'here-1', SERVICE: 'mine' });
    await until('it serves', () => /serves at/.test(seen.output));
    assert.match(seen.output, /^mine of here-1 serves at http:.*, rates: simulated\n$/);
    const address = /http:\S+:\d+/.exec(seen.output)![0];
    const answer = await fetch(`${address}${path}`);
    const body = (await answer.json()) as Record<string, unknown>;
    assert.deepEqual([answer.status, body.region, body.source], [200, 'here-1', 'simulated']);
    assert.equal((await fetch(`${address}/health`)).status, 200);

    seen.child.kill(service === 'rates' ? 'SIGTERM' : 'SIGINT');
    await until('it ended', () => seen.status !== undefined);
    assert.equal(seen.status, 0, seen.output);
  });
}

test('a wrong environment ends it with status 2 and every mistake', async (t) => {
  const seen = run(t, 'rates', { PORT: '70000', RATES_FEED_URL: 'ftp://x' });
  await until('it ended', () => seen.status !== undefined);
  assert.equal(seen.status, 2);
  assert.match(seen.output, /PORT: expected .* got "70000"\nRATES_FEED_URL: expected an http: or/);
});

test('a taken port ends it with status 1 and names the address', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const seen = run(t, 'convert', { PORT: String(port) });
  await until('it ended', () => seen.status !== undefined);
  assert.equal(seen.status, 1);
  assert.match(seen.output, new RegExp(`convert: .*EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
});

test('the environment has defaults, and mistakes do not show secrets', () => {
  assert.deepEqual(readEnvironment({}, 'rates'), {
    host: '127.0.0.1',
    port: 0,
    region: 'local',
    service: 'rates',
    feed: { url: undefined, seed: 'exchange', intervalMs: 1_000 },
  });
  const url = 'https://provider.example/latest?key=1';
  assert.equal(readEnvironment({ RATES_FEED_URL: url }, 'rates').feed.url?.href, url);
  const wrong = { PORT: '1e3', RATES_INTERVAL_MS: '99', RATES_FEED_URL: 'http://user:hidden@x/' };
  assert.throws(
    () => readEnvironment(wrong, 'rates'),
    (error) => {
      assert.ok(error instanceof EnvironmentError);
      assert.deepEqual(
        error.message.split('\n').map((line) => line.split(':')[0]),
        ['PORT', 'RATES_FEED_URL', 'RATES_INTERVAL_MS'],
      );
      assert.doesNotMatch(error.message, /hidden/);
      return true;
    },
  );
});
