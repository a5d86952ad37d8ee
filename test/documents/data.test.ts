import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { regionsOfBucket } from '../../src/config/data-places.ts';
import { parseConfig } from '../../src/config/load.ts';
import * as client from '../../src/data/client/public.ts';
import type { ServedBucket } from '../../src/data/server/call.ts';
import { mostKeysOfBatch, operations } from '../../src/data/server/operations.ts';
import { turnLimitMs } from '../../src/data/server/pages.ts';
import { dataProblems } from '../../src/data/server/problems.ts';
import { createDataServer, dataServerLimits } from '../../src/data/server/server.ts';
import { MemoryDataBucket } from '../support/memory-bucket.ts';
import { configOf } from './example-config.ts';
import { blocksOf, isBlock, partsOf } from './markdown.ts';

const page = 'docs/guides/data.md';
const [example] = blocksOf(page, 'yaml');
const { config } = parseConfig(JSON.stringify(configOf(example!)), page);
const token = 'a-token-for-trying-it-out';

/** The data API of a region as the example has it; all regions know the same at once. */
async function serve(region: string, known: Map<string, MemoryDataBucket>) {
  const buckets = Object.entries(config.data.buckets).map(([name, settings]) => {
    const regions = regionsOfBucket(config, settings);
    const { consistency, maximumValue: maximumValueBytes } = settings;
    const bucket = known.get(name) ?? new MemoryDataBucket(name, { consistency });
    known.set(name, bucket);
    const own = regions.includes(region) ? bucket : undefined;
    return [name, { consistency, maximumValueBytes, regions, bucket: own }] as const;
  });
  return createDataServer({
    ...{ host: '127.0.0.1', port: 0, region, clock: systemClock },
    settings: {
      networks: ['127.0.0.0/8'],
      buckets: new Map<string, ServedBucket>(buckets),
      grants: { trial: { token, rights: config.data.tokens.trial!.rights } },
    },
    onFailure: assert.fail,
  });
}

/** Words as a shell takes them. */
function words(line: string): string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) =>
    word.replace(/^(['"])(.*)\1$/, '$2'),
  );
}

test('every curl of the guide is answered as it says', async (t) => {
  const known = new Map<string, MemoryDataBucket>();
  const [eu, us] = [await serve('eu-west-1', known), await serve('us-east-1', known)];
  t.after(() => Promise.all([eu.close(), us.close()]));
  const lines = blocksOf(page, 'sh').flatMap(({ text }) =>
    text.split('\n').filter((line) => line.startsWith('curl ')),
  );
  assert.ok(lines.length >= 10);
  for (const line of lines) {
    const [, command = '', status] = /^(.*) # (\d+)$/.exec(line) ?? assert.fail(line);
    const headers: Record<string, string> = {};
    let [method, body, url]: (string | undefined)[] = [];
    const rest = words(command).slice(1);
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      if (word === '-H') {
        const [name = '', value = ''] = rest
          .shift()!
          .replace('$TOKEN', `Authorization: Bearer ${token}`)
          .split(': ');
        headers[name] = value;
      } else if (word === '-X') method = rest.shift();
      else if (word === '-d') body = rest.shift();
      else if (word !== '-i' && word !== '-N') url = word;
    }
    const base = (server: { port: number }) => `http://127.0.0.1:${server.port}/v1/buckets`;
    const target = url!.replace('$EU', base(eu)).replace('$US', base(us));
    const abort = new AbortController();
    const response = await fetch(target, {
      ...{ headers, signal: abort.signal, method: method ?? (body === undefined ? 'GET' : 'POST') },
      ...(body !== undefined && { body }),
    });
    assert.equal(String(response.status), status, line);
    abort.abort();
  }
});

test('the addresses of the guide are those of its configuration', () => {
  const shell = blocksOf(page, 'sh')
    .map(({ text }) => text)
    .join('');
  for (const [name, region] of [
    ['EU', 'eu-west-1'],
    ['US', 'us-east-1'],
  ] as const) {
    const { address } = config.regions[region]!;
    assert.ok(shell.includes(`${name}=http://${address}:${config.data.port}/v1/buckets\n`), name);
  }
});

test('what the guide imports is exported, and its limits are those of the sources', () => {
  const [code] = blocksOf(page, 'ts');
  const [, names = ''] =
    /^import \{ (.*) \} from 'meridian-gateway\/data';$/m.exec(code!.text) ?? [];
  for (const name of names.split(', ')) assert.ok(Object.hasOwn(client, name), name);
  const limits = partsOf(page)
    .filter((part) => !isBlock(part))
    .at(-1)!;
  assert.ok('rows' in limits);
  const told = Object.fromEntries(limits.rows.map(([what, value]) => [what, value]));
  const { connections, requests, bodyBytes, headerTimeMs, requestTimeMs } = dataServerLimits;
  const { answerTimeMs, unsentBytes, valueBytes } = dataServerLimits;
  const list = operations.find((one) => one.id === 'list')!;
  assert.deepEqual(told, {
    'connections of a node': connections.toLocaleString('en'),
    'requests under way': `${requests.toLocaleString('en')}; beyond, \`too_busy\``,
    'bodies under way': `${bodyBytes / 1024 ** 2} MiB in all; beyond, \`too_busy\``,
    'values of batches and lists that are being answered': `${valueBytes / 1024 ** 2} MiB in all; others wait their turn, after ${turnLimitMs / 1_000} s \`too_busy\``,
    'head of a request': `16 KiB, within ${headerTimeMs / 1_000} s`,
    'a whole request': `within ${requestTimeMs / 1_000} s`,
    'answers that clients have not taken': `${answerTimeMs / 1_000} s each, ${unsentBytes / 1024 ** 2} MiB in all; beyond, \`too_busy\``,
    watches: `${dataServerLimits.watchesOfService} of a token, ${dataServerLimits.watches} of a node; beyond, \`too_many_watches\``,
    'keys of a batch': `${mostKeysOfBatch}, and 8 MiB of values; those left out are marked \`omitted\``,
    'a page of a list': `${list.query.limit.maximum.toLocaleString('en')} keys`,
    buckets: '64',
  });
  assert.ok(dataProblems.too_busy && dataProblems.too_many_watches);
});
