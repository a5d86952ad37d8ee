import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { configSchema } from '../../config/schema/config.ts';
import { loadMaterial, materialFiles, parseMaterial } from './material.ts';

const location = { latitude: 0, longitude: 0 };
const access = { ring: undefined, secrets: {} };
const good = 'a-token-of-sixteen-or-more==';

async function world(texts: Readonly<Record<string, string>>) {
  const directory = await temporaryDirectory('data-tokens');
  await mkdir(join(directory, 'data'));
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(directory, 'data', `${name}.token`), text);
  }
  const named = (name: string) => join(directory, 'data', `${name}.token`);
  const config = configSchema.parse({
    regions: {
      eu: { address: '127.0.0.1', location },
      wi: { address: '127.0.0.2', location, kind: 'witness' },
    },
    data: {
      buckets: { a: { consistency: 'async' } },
      tokens: {
        one: { rights: { a: 'read' } },
        two: { token: join(directory, 'data', 'two-{region}.token'), rights: { a: 'write' } },
      },
    },
  });
  const load = (region = 'eu') => loadMaterial(config, region, directory, access);
  return { config, directory, load, named };
}

test('tokens come from the place that is named, or from where a stack puts them', async () => {
  const { config, directory, load, named } = await world({
    one: `${good}\n`,
    'two-eu': `other-${good}`,
  });
  const { material } = await load();
  assert.deepEqual(material.dataTokens, { one: good, two: `other-${good}` });
  assert.deepEqual(parseMaterial(JSON.stringify(material)).dataTokens, material.dataTokens);
  const files = materialFiles(config, 'eu', directory);
  assert.ok(files.includes(named('one')) && files.includes(named('two-eu')));
  assert.equal((await load('wi')).material.dataTokens, undefined, 'a witness serves no data');
});

test('a token that is short, odd, missing or that of another is refused and not shown', async () => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ one: 'short', 'two-eu': good }, /one\.token is no token of the data API: expected 16 to/],
    [{ one: good, 'two-eu': `${good} x` }, /two-eu\.token is no token .*: expected A-Za-z0-9/],
    [
      { one: good, 'two-eu': `${good}\n` },
      /the tokens of one and two for the data API are the same/,
    ],
    [{ one: good }, /cannot read .*two-eu\.token/],
  ];
  for (const [texts, message] of cases) {
    const { load } = await world(texts);
    await assert.rejects(load(), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(good) && !/: short/.test(error.message));
      return true;
    });
  }
});

test('without the token that a stack makes, the node serves, without that service, and says so', async () => {
  const { load, named } = await world({ 'two-eu': good });
  const { material, doubts } = await load();
  assert.deepEqual(material.dataTokens, { two: good });
  const doubt = `there is no ${named('one')}: the data API of this node refuses the service one`;
  assert.ok(doubts.includes(doubt), doubts.join());
});
