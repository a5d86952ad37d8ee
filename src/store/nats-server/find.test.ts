import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkNatsServer, findNatsServer } from './find.ts';
import { compareVersions } from './version.ts';

describe('findNatsServer', () => {
  let folder: string;
  const program = (name: string, script: string, mode = 0o755) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode });
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'meridian-find-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('takes the configured program, then that of the environment, and nothing else then', () => {
    const first = program('first', 'true');
    const second = program('second', 'true');
    const environment = { MERIDIAN_NATS_SERVER: second, PATH: folder };
    assert.equal(findNatsServer({ configured: first, environment }), first);
    assert.equal(findNatsServer({ environment }), second);
    for (const configured of [join(folder, 'absent'), folder, program('plain', '', 0o644)]) {
      assert.throws(() => findNatsServer({ configured, environment }), {
        code: 'nats_server_unusable',
        message: new RegExp(configured),
      });
    }
  });

  it('falls back to PATH, skipping what is no program there', () => {
    const found = program('nats-server', 'true');
    const environment = { PATH: `relative:${join(folder, 'absent')}:${folder}` };
    assert.equal(findNatsServer({ environment, package: false }), found);
  });

  it('says where it looked and how to get one', () => {
    assert.throws(() => findNatsServer({ environment: { PATH: '' }, package: false }), {
      code: 'nats_server_missing',
      message: /PATH.*releases.*MERIDIAN_NATS_SERVER/,
    });
  });

  it('checks the version, and that the program runs at all', async () => {
    const version = (text: string) => program('v', `echo "nats-server: v${text}"`);
    assert.equal(await checkNatsServer(version('2.14.0')), '2.14.0');
    assert.equal(await checkNatsServer(version('3.0.1-beta')), '3.0.1');
    await assert.rejects(checkNatsServer(version('2.9.10')), {
      code: 'nats_server_too_old',
      message: /2\.9\.10.*2\.14\.0/,
    });
    await assert.rejects(checkNatsServer(program('other', 'echo hello')), {
      code: 'nats_server_unusable',
    });
    await assert.rejects(checkNatsServer(program('broken', 'exit 3')), {
      code: 'nats_server_unusable',
    });
  });

  it('compares versions by number', () => {
    assert.ok(compareVersions('2.9.10', '2.14.0') < 0);
    assert.ok(compareVersions('2.14.10', '2.14.9') > 0);
    assert.equal(compareVersions('2.14.0', '2.14.0'), 0);
  });
});
