import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventuallyRight } from '../../test/support/eventually.ts';

/** The commands for a running stack, against two real nodes and a service in each region. */

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meridian-test-'));
const loopback = 1 + Math.floor(Math.random() * 254);
const portOffset = Math.floor(Math.random() * 20_000);
const address = { us: `127.${loopback}.1.1`, eu: `127.${loopback}.2.1` };
const port = { http: 8_080 + portOffset, dns: 5_300 + portOffset, admin: 9_000 + portOffset };

const service = `require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; });
  request.on('end', () => {
    response.statusCode = request.url === '/v1/missing' ? 404 : 200;
    response.end(JSON.stringify({ region: process.env.REGION, method: request.method, body }));
  });
}).listen(process.env.PORT, process.env.HOST);`;

const config = {
  regions: {
    us: { address: '127.0.1.1', location: { latitude: 39, longitude: -77 } },
    eu: { address: '127.0.2.1', location: { latitude: 53, longitude: -6 } },
  },
  threads: { gateway: 1 },
  health: { interval: '200ms', connectTimeout: '500ms', timeout: '1s' },
  services: {
    rates: {
      endpoints: { us: ['127.0.1.1:8101'], eu: ['127.0.2.1:8101'] },
      check: { type: 'http', path: '/', interval: '200ms' },
    },
  },
  routes: [{ name: 'rates', hosts: ['rates.test.example'], prefix: '/v1', service: 'rates' }],
  zones: {
    'test.example': {
      records: [
        { name: 'rates', type: 'A', routing: 'latency', service: 'rates' },
        { name: 'note', type: 'TXT', values: ['"hello"'] },
      ],
    },
  },
  latency: [
    { network: '192.0.2.0/24', regions: { us: '10ms', eu: '90ms' } },
    { network: '198.51.100.0/24', regions: { us: '90ms', eu: '10ms' } },
  ],
  stack: { services: { rates: { command: ['node', 'service.cjs'] } } },
};

let stack: ChildProcess;
let lines: string[];

before(async () => {
  writeFileSync(join(folder, 'service.cjs'), service);
  writeFileSync(join(folder, 'meridian.yaml'), JSON.stringify(config));
  const place = ['--loopback', String(loopback), '--port-offset', String(portOffset)];
  stack = spawn(process.execPath, [main, 'up', ...place, '--ready-within', '200'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  lines = [];
  const output = createInterface(stack.stdout!).on('line', (line) => lines.push(line));
  const closed = once(output, 'close').then(() => true);
  while (!lines.some((line) => line.startsWith('Ctrl-C'))) {
    const isClosed = await Promise.race([once(output, 'line').then(() => false), closed]);
    if (isClosed) throw new Error(`the stack did not start: ${lines.join('\n')}`);
  }
});

after(async () => {
  if (stack.exitCode === null && stack.signalCode === null) {
    stack.kill('SIGINT');
    await once(stack, 'exit');
  }
  rmSync(folder, { recursive: true });
});

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function meridian(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { cwd: folder },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

function shell(text: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      'sh',
      ['-c', text],
      { cwd: folder, timeout: 120_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

async function meridianJson(...args: string[]) {
  const { stdout, stderr } = await meridian(...args, '--json');
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

test('up prints a table of the regions and commands with their actual places', () => {
  const text = lines.join('\n');
  assert.match(text, /^Meridian is ready: 2 regions in \d+\.\d s, state in .*\.meridian$/m);
  assert.ok(text.includes(`http://${address.eu}:${port.http}`));
  assert.match(text, /region kill eu$/m);
});

// Each name server and each node is given a second: who stands still for that is asked again.

test('lookup asks as the client that it is told to be', async () => {
  await eventuallyRight(async () => {
    const us = await meridianJson('lookup', 'rates.test.example', '--client', '192.0.2.0/24');
    const eu = await meridianJson('lookup', 'rates.test.example', 'a', '--client', '198.51.100.7');
    assert.deepEqual([us.answers[0].data, eu.answers[0].data], [address.us, address.eu]);
    assert.deepEqual([us.server.region, us.transport, us.ecsScope], ['us', 'udp', 24]);
    const other = await meridianJson('lookup', 'rates.test.example', '--region', 'eu', '--tcp');
    assert.deepEqual([other.server.region, other.transport], ['eu', 'tcp']);
  });
  await eventuallyRight(async () => {
    const server = `${address.eu}:${port.dns}`;
    const named = await meridianJson('lookup', 'note.test.example', 'TXT', '--server', server);
    assert.match(named.answers[0].data, /hello/);
  });
});

test('lookup says what was answered, and fails for a name that is not there', async () => {
  await eventuallyRight(async () => {
    const found = await meridian('lookup', 'rates.test.example', '--client', '192.0.2.1/32');
    assert.equal(found.status, 0);
    const [record, summary] = found.stdout.split('\n');
    assert.equal(record, `rates.test.example  10 s  A  ${address.us}`);
    assert.match(
      summary!,
      /^NOERROR from .* \(us\) over UDP in .* for 192\.0\.2\.1\/32 \(scope \/24\)$/,
    );
  });
  await eventuallyRight(async () => {
    const missing = await meridian('lookup', 'none.test.example');
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^none\.test\.example does not exist\nNXDOMAIN from [^\n]*\n$/);
  });
  await eventuallyRight(async () => {
    const typeless = await meridian('lookup', 'rates.test.example', 'TXT');
    assert.equal(typeless.status, 1);
    const absent = /^rates\.test\.example has no TXT record\nNOERROR from [^\n]*\n$/;
    assert.match(typeless.stdout, absent);
  });
  const nowhere = await meridian('lookup', 'a.test', '--server', `${address.us}:1`);
  assert.equal(nowhere.status, 1);
  assert.match(nowhere.stderr, /^meridian: .*:1/);
});

test('request goes where the look-up of its client points, by HTTP and by HTTPS', () =>
  eventuallyRight(async () => {
    const us = await meridianJson(
      'request',
      'http://rates.test.example/v1/x',
      '--client',
      '192.0.2.0/24',
    );
    assert.deepEqual([us.status, us.region, us.address], [200, 'us', address.us]);
    const eu = await meridianJson(
      'request',
      'https://rates.test.example/v1/x',
      '--client',
      '198.51.100.0/24',
    );
    assert.deepEqual([eu.status, eu.region, JSON.parse(eu.body).region], [200, 'eu', 'eu']);
    const named = await meridianJson(
      'request',
      'PUT',
      'rates.test.example/v1/x',
      '--region',
      'eu',
      '--data',
      'hé',
    );
    assert.deepEqual(
      [named.region, JSON.parse(named.body).method, JSON.parse(named.body).body],
      ['eu', 'PUT', 'hé'],
    );
  }));

test('request prints status, region and body, and fails from 400 up', () =>
  eventuallyRight(async () => {
    const good = await meridian(
      'request',
      'http://rates.test.example/v1/x',
      '--client',
      '192.0.2.0/24',
    );
    assert.equal(good.status, 0);
    assert.match(
      good.stdout,
      /^200 OK from us in \d+ ms\n.*\n\{"region":"us","method":"GET","body":""\}\n$/,
    );
    const missing = await meridian('request', 'http://rates.test.example/v1/missing');
    assert.equal(missing.status, 1);
    assert.match(missing.stdout, /^404 Not Found from us /);
    const unknown = await meridian('request', 'http://none.test.example/');
    assert.match(
      unknown.stderr,
      /^meridian: the name server of us has no address for none\.test\.example \(NXDOMAIN\)\n$/,
    );
    assert.equal(unknown.status, 1);
  }));

test('explain says why, and passes on what cannot be explained', () =>
  eventuallyRight(async () => {
    const dns = await meridianJson(
      'explain',
      'dns',
      'rates.test.example',
      'A',
      '--client',
      '198.51.100.7',
    );
    assert.equal(dns.answers[0].data, address.eu);
    const text = await meridian('explain', 'dns', 'rates.test.example', '--client', '198.51.100.7');
    assert.match(text.stdout, /^ +0 +us +healthy/m);
    const request = await meridianJson(
      'explain',
      'request',
      'GET',
      'http://rates.test.example/v1/x',
      ...[
        '--region',
        'eu',
        '--client',
        '192.0.2.9',
        '--header',
        'X-One: 1',
        '--header',
        'x-two: 2',
      ],
    );
    assert.deepEqual(
      [request.region, request.route, request.client, request.listener],
      ['eu', 'rates', '192.0.2.9', 'http'],
    );
    const named = await meridianJson(
      ...['explain', 'request', 'GET', 'http://rates.test.example/v1/x'],
      ...['--admin', `http://${address.eu}:${port.admin}`],
    );
    assert.deepEqual([named.region, named.route], ['eu', 'rates']);
    const wrong = await meridian('explain', 'dns', 'rates.test.example', 'NOTYPE');
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /^meridian: .*NOTYPE/);
    const nowhere = await meridian(
      'explain',
      'request',
      'GET',
      'http://a.test/',
      '--region',
      'eu1',
    );
    assert.match(
      nowhere.stderr,
      /^meridian: no region "eu1", did you mean "eu"\? \(known: us, eu\)/,
    );
  }));

test('status shows what each region thinks of the others, also of one that is frozen', async () => {
  await eventuallyRight(async () => {
    const survey = await meridianJson('status');
    assert.equal(survey.supervisor, stack.pid);
    assert.deepEqual(Object.keys(survey.nodes), ['us', 'eu']);
    assert.equal(survey.nodes.us.status.regions[1].gateway.state, 'healthy');
  });
  const frozen = await meridian('region', 'freeze', 'eu');
  assert.equal(frozen.stdout, 'frozen: eu/node, eu/service/rates\n');
  try {
    await eventuallyRight(async () => {
      const { status, stdout } = await meridian('status');
      assert.equal(status, 0);
      assert.match(stdout, /^eu +frozen +no answer/m);
      assert.match(stdout, /^GATEWAY +seen by us$/m);
      assert.match(stdout, /^eu +unhealthy$/m);
    }, 60_000);
    // A resolver goes on to the next name server; so does the client.
    await eventuallyRight(async () => {
      const url = 'http://rates.test.example/v1/x';
      const request = await meridianJson('request', url, '--client', '198.51.100.0/24');
      assert.deepEqual([request.status, request.region], [200, 'us']);
    });
  } finally {
    assert.match(
      (await meridian('region', 'start', 'eu')).stdout,
      /^started: eu\/node, eu\/service\/rates\nIt takes traffic once the others agree that its gateway/,
    );
  }
});

test('a service that starts is decided by its own region; status tells the revision as checked', async () => {
  await meridian('service', 'kill', 'eu', 'rates');
  const { stdout } = await meridian('service', 'start', 'eu', 'rates');
  assert.equal(
    stdout,
    'started: eu/service/rates\neu sends it traffic once its own health checks find it healthy.\n',
  );
  const { revision } = await meridianJson('check', 'meridian.yaml');
  const { source } = await meridianJson('status');
  assert.deepEqual(source, { file: join(folder, 'meridian.yaml'), revision });
});

test('every command that up printed works when it is pasted into a shell', async () => {
  const commands = lines.flatMap(
    (line) => / {2,}((?:curl|dig|node|npx|meridian) .*)$/.exec(line)?.[1] ?? [],
  );
  assert.ok(commands.length >= 9, lines.join('\n'));
  for (const text of commands) {
    const { code, output } = await shell(text);
    assert.equal(code, 0, `${text}\n${output}`);
    assert.notEqual(output.trim(), '', text);
  }
});

test('down ends the stack; what asks it then is told that none runs', async () => {
  const ended = once(stack, 'exit');
  const { status, stdout } = await meridian('down');
  assert.equal(status, 0);
  assert.match(stdout, /^stopped the stack on /);
  assert.deepEqual(await ended, [0, null]);
  const later = await meridian('service', 'kill', 'eu', 'rates');
  assert.equal(later.status, 1);
  assert.match(later.stderr, /^meridian: no stack runs on /);
  const survey = await meridian('status');
  assert.deepEqual([survey.status, survey.stdout], [1, '']);
  assert.match(survey.stderr, /^meridian: no stack runs on /);
});
