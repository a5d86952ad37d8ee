import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'meridian-zone-cli-'));
after(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function meridian(...args: string[]): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, MERIDIAN_STATE: '', FORCE_COLOR: '' };
    const options = { cwd: folder, env };
    const child = execFile(process.execPath, [main, ...args], options, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

mkdirSync(join(folder, 'zones'));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const soa = '$TTL 5m\n$ORIGIN a.test.\n@ SOA ns dns 7 2h 15m 2w 90\n@ NS ns\nns A 192.0.2.53\n';
const config = (file: string) =>
  `regions: { eu: { address: 127.0.1.1, location: { latitude: 1, longitude: 2 } } }
zones: { a.test: { file: ${file}, records: [{ name: www, type: A, values: [192.0.2.1] }] } }
`;
write('zones/good.zone', `${soa}mail MX 10 nowhere\n$INCLUDE more.inc\n`);
write('zones/more.inc', 'more TXT x\n');
write('zones/bad.zone', `${soa}$INCLUDE bad.inc\nx.example. A 192.0.2.1\n`);
write('zones/bad.inc', '; nothing\nb A 1\n');
write('zones/nameless.zone', '$TTL 5m\n$ORIGIN a.test.\nb A 192.0.2.1\n');
write('good.yaml', config('zones/good.zone'));
write('bad.yaml', config('zones/bad.zone'));

describe('zone files by the command line', { concurrency: 2 }, () => {
  test('zone check prints what is wrong by line, and its status says so', async () => {
    const good = await meridian('zone', 'check', 'zones/good.zone');
    assert.deepEqual(good, {
      status: 0,
      stdout: `zones/good.zone:6: warning: MX names nowhere.a.test, which has no address
zones/good.zone: valid (zone a.test: 4 names, 5 records)\n`,
      stderr: '',
    });
    const bad = await meridian('zone', 'check', 'zones/bad.zone', '--json');
    assert.equal(bad.status, 1);
    const { valid, problems } = JSON.parse(bad.stdout);
    assert.equal(valid, false);
    assert.deepEqual(problems, [
      {
        severity: 'error',
        file: 'zones/bad.inc',
        line: 2,
        message: '"1" is no A data: expected an IPv4 address',
      },
      {
        severity: 'error',
        file: 'zones/bad.zone',
        line: 7,
        message: 'x.example is not in the zone a.test',
      },
    ]);
  });

  test('another origin, a name that is none, a file that is not there', async () => {
    const other = await meridian('zone', 'check', 'zones/good.zone', '--origin', 'b.test');
    assert.match(other.stdout, /^zones\/good\.zone:3: a\.test is not in the zone b\.test$/m);
    const bad = await meridian('zone', 'check', 'zones/good.zone', '--origin', 'b..test');
    assert.deepEqual([bad.status, bad.stdout], [2, '']);
    assert.match(bad.stderr, /"b\.\.test" has an empty label/);
    const nameless = await meridian('zone', 'check', 'zones/nameless.zone');
    assert.match(
      nameless.stdout,
      /:1: there is no SOA .*\n\(name the zone: --origin example\.com\)/,
    );
    const none = await meridian('zone', 'check', 'zones/none.zone');
    assert.deepEqual(
      [none.status, none.stderr],
      [1, 'meridian: zones/none.zone: there is no such file\n'],
    );
  });

  test('check and plan of a configuration read its zone files as the name server would', async () => {
    const good = await meridian('check', 'good.yaml');
    assert.equal(good.status, 0, good.stdout);
    const bad = await meridian('check', 'bad.yaml');
    assert.deepEqual(bad, {
      status: 1,
      stdout: `zones/bad.inc:2: zones["a.test"]: "1" is no A data: expected an IPv4 address
zones/bad.zone:7: zones["a.test"]: x.example is not in the zone a.test\n`,
      stderr: '',
    });
  });

  test('zone export prints a zone of a configuration, which zone check takes', async () => {
    const { status, stdout } = await meridian('zone', 'export', 'a.test', '--config', 'good.yaml');
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^\$ORIGIN a\.test\.\n\$TTL 300\n@\t\tIN\tSOA\tns\.a\.test\. .* 7200 900 /,
    );
    assert.match(stdout, /^www\t10\tIN\tA\t192\.0\.2\.1\n/m);
    write('zones/exported.zone', stdout);
    const again = await meridian('zone', 'check', 'zones/exported.zone');
    assert.match(again.stdout, /exported\.zone: valid \(zone a\.test: 5 names, 6 records\)/);
    const none = await meridian('zone', 'export', 'b.test', '--config', 'good.yaml');
    assert.match(none.stderr, /there is no zone b\.test, only a\.test/);
    assert.equal(none.status, 2);
  });
});
