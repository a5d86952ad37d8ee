import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from './config-error.ts';
import { acceptDocument } from './document.ts';
import { loadConfig, parseConfig } from './load.ts';
import { maximumZoneBytes, zoneFilePaths } from './zone-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-zone-files-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'zones/hosts'), { recursive: true });

const regions = 'regions: { a: { address: 127.0.1.1, location: { latitude: 1, longitude: 2 } } }\n';

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function refusal(text: string): Promise<string> {
  const path = write('refused.yaml', regions + text);
  const error = await loadConfig(path).then(
    () => assert.fail('it was accepted'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error.message.replaceAll(`${folder}/`, '');
}

const main =
  '$TTL 5\n@ NS ns\n$INCLUDE hosts/eu.zone eu\n$include "more.zone" ; x\n$INCLUDE none\n';

test('a zone file and what it includes become part of the revision', async () => {
  write('zones/a.zone', main);
  write('zones/hosts/eu.zone', 'a A 192.0.2.1\n$INCLUDE hosts/deep.zone\n');
  write('zones/hosts/deep.zone', '\ufeffb A 192.0.2.2\n$INCLUDE a.zone\n');
  write('zones/more.zone', '');
  const text = `${regions}zones: { a.test: { file: zones/a.zone, ttl: 9s } }\n`;
  const path = write('m.yaml', text);
  const { config, input, revision } = await loadConfig(path);
  const zone = config.zones['a.test']!;
  assert.equal(zone.file, 'zones/a.zone');
  assert.deepEqual(zone.contents, {
    'a.zone': main,
    'hosts/eu.zone': 'a A 192.0.2.1\n$INCLUDE hosts/deep.zone\n',
    'more.zone': '',
    'hosts/deep.zone': 'b A 192.0.2.2\n$INCLUDE a.zone\n',
  });
  assert.deepEqual(
    zoneFilePaths(config, path),
    ['a.zone', 'hosts/eu.zone', 'more.zone', 'hosts/deep.zone'].map((name) =>
      join(folder, 'zones', name),
    ),
  );
  const sent = acceptDocument(JSON.parse(JSON.stringify(input)), 'a revision');
  assert.deepEqual(sent.config, config);
  assert.equal(sent.revision, revision);
  const again = await loadConfig(write('again.json', JSON.stringify(input)));
  assert.equal(again.revision, revision);
  write('zones/more.zone', '; changed\n');
  assert.notEqual((await loadConfig(path)).revision, revision);
  assert.equal((await loadConfig(join(folder, 'again.json'))).revision, revision);
});

test('a program names zone files too', async () => {
  write('zones/p.zone', '@ 5 NS ns\n');
  const program = `export default { regions: { a: { address: '127.0.1.1', location: { latitude: 1, longitude: 2 } } },
    zones: { 'a.test': { file: '${join(folder, 'zones/p.zone')}' } } };`;
  const { config } = await loadConfig(write('m.mjs', program));
  assert.deepEqual(config.zones['a.test']?.contents, { 'p.zone': '@ 5 NS ns\n' });
});

test('nothing outside of the folder of the zone file is read', async () => {
  write('secret', 'do not tell');
  symlinkSync(join(folder, 'secret'), join(folder, 'zones/link'));
  symlinkSync(folder, join(folder, 'zones/up'));
  write(
    'zones/o.zone',
    '$INCLUDE ../secret\n$INCLUDE /etc/passwd\n$INCLUDE link\n$INCLUDE up/secret\n',
  );
  const path = write('o.yaml', `${regions}zones: { a.test: { file: zones/o.zone } }\n`);
  const { config } = await loadConfig(path);
  assert.deepEqual(Object.keys(config.zones['a.test']?.contents ?? {}), ['o.zone']);
});

test('what cannot be read is told at its place, with every other issue', async () => {
  write('zones/latin.zone', Buffer.from('; x\n; caf\u00e9\n', 'latin1'));
  write('zones/large.zone', Buffer.alloc(maximumZoneBytes + 1, ';'));
  const found = await refusal(`zones:
  a.test: { file: none.zone }
  b.test: { file: zones }
  c.test: { file: zones/latin.zone }
  d.test: { file: zones/large.zone }
  e.test: { file: 5 }
  f.test: { contents: {} }
regoins: {}
`);
  assert.equal(
    found,
    [
      'zones/latin.zone:2:1: expected UTF-8, got other bytes',
      'refused.yaml:3:19: zones["a.test"].file: there is no such file',
      'refused.yaml:4:19: zones["b.test"].file: expected a file, and this is something else',
      'refused.yaml:6:19: zones["d.test"].file: the zone files have more than 8388608 bytes, which is the limit',
      'refused.yaml:7:19: zones["e.test"].file: expected text, got 5',
      'refused.yaml:8:13: zones["f.test"].contents: has no meaning without `file`',
      'refused.yaml:9:1: regoins: unknown field; did you mean "regions"?',
    ].join('\n'),
  );
});

test('a document without the text of its zone file is not whole', () => {
  const document = {
    regions: { a: { address: '127.0.1.1', location: { latitude: 1, longitude: 2 } } },
    zones: { 'a.test': { file: '/etc/a.zone' }, 'b.test': { file: 'b.zone', contents: { c: '' } } },
  };
  assert.throws(() => acceptDocument(document, 'revision 3'), {
    code: 'config_invalid',
    message: [
      'revision 3: zones["a.test"].file: expected the text of "a.zone" in `contents`: the file is read where a configuration is loaded from its own file',
      'revision 3: zones["b.test"].contents: expected the text of "b.zone" in `contents`: the file is read where a configuration is loaded from its own file',
    ].join('\n'),
  });
  assert.throws(() => parseConfig(JSON.stringify(document), 'm.yaml'), { code: 'config_invalid' });
});
