import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createOnce, type DataClientError, once } from '../../../src/data/client/public.ts';
import { type DataStack, dataTokens, failure } from '../../support/data-stack.ts';
import { patiently } from '../../support/patiently.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type RegionName, regionNames, until } from '../../support/stack.ts';

const [us, eu] = regionNames as [RegionName, RegionName, RegionName];
const wrongToken = 'a-token-that-nobody-was-given';

/** What is asked for and cannot be had: each has its code, and nothing is stored. */
export function refusalTests(world: () => DataStack): void {
  test('what is asked in vain has its code, stores nothing, and is in no log', async () => {
    const reader = { headers: { authorization: `Bearer ${dataTokens.reader}` } };
    const stranger = { headers: { authorization: `Bearer ${wrongToken}` } };
    const json = {
      'content-type': 'application/json',
      authorization: `Bearer ${dataTokens.writer}`,
    };
    const batch = (body: object) => ({ body: JSON.stringify(body), headers: json });
    const cases: [string, string, RequestInit, number, string][] = [
      ['PUT', '/ledger/keys/v', { body: new Uint8Array(512 * 1024 + 1) }, 413, 'value_too_large'],
      ['PUT', '/full/keys/v', { body: new Uint8Array(65 * 1024) }, 413, 'value_too_large'],
      ['PUT', `/ledger/keys/${'k'.repeat(257)}`, { body: 'x' }, 400, 'key_invalid'],
      ['PUT', '/ledger/keys/a..b', { body: 'x' }, 400, 'key_invalid'],
      ['PUT', '/ledger/keys/a%ffb', { body: 'x' }, 400, 'key_invalid'],
      ['PUT', '/ledger/keys/%E2%82%AC', { body: 'x' }, 400, 'key_invalid'],
      ['PUT', '/ledger/keys/a.%2A', { body: 'x' }, 400, 'key_invalid'],
      ['GET', '/ledger/keys/v', stranger, 401, 'not_authenticated'],
      ['PUT', '/ledger/keys/v', { body: 'x', ...reader }, 403, 'not_allowed'],
      ['GET', '/nothing/keys/v', {}, 404, 'bucket_unknown'],
      ['GET', '/ledger_data/keys/v', {}, 404, 'bucket_unknown'],
      ['GET', '/ledger/keys/v?consistency=quorum', {}, 400, 'bad_parameter'],
      ['GET', '/history/keys/v?consistency=strong', {}, 400, 'consistency_not_offered'],
      ['PUT', '/history/keys/v?consistency=strong', { body: 'x' }, 400, 'consistency_not_offered'],
      [
        'POST',
        '/history/read',
        batch({ keys: ['v'], consistency: 'strong' }),
        400,
        'consistency_not_offered',
      ],
      ['POST', '/ledger/read', batch({ keys: ['v'], consistency: 'quorum' }), 400, 'bad_body'],
      ['GET', '/ledger/keys?cursor=1YQ', {}, 200, ''],
      ['GET', '/ledger/keys?cursor=YQ', {}, 400, 'cursor_invalid'],
      ['GET', '/ledger/watch?after=1', {}, 400, 'cursor_invalid'],
      ['GET', '/history/lost?cursor=1', {}, 400, 'cursor_invalid'],
      ['GET', '/ledger/lost?cursor=1.1', {}, 400, 'cursor_invalid'],
    ];
    for (const [method, path, more, status, code] of cases) {
      const answer = await world().answer(us, method, path, more);
      const problem = (await answer.json()) as Record<string, unknown>;
      assert.deepEqual([answer.status, problem.code ?? ''], [status, code], `${method} ${path}`);
      if (method === 'PUT' && code) assert.equal(problem.outcome, 'none');
    }
    assert.equal((await world().bucket(us, 'ledger').get('v')).entry, undefined);
    assert.equal((await world().bucket(us, 'history').get('v')).entry, undefined);
    await assert.rejects(world().bucket(eu, 'near').get('v'), (error: DataClientError) => {
      assert.deepEqual(error.regions, [us]);
      return failure('not_resident')(error);
    });
    const never = async () => assert.fail('it was begun');
    const history = world().bucket(us, 'history');
    const refused = failure('consistency_not_offered');
    await assert.rejects(once(history, 'k', never, { fingerprint: 'f' }), refused);
    await assert.rejects(createOnce(history, 'k', Buffer.from('x')), refused);
    for (const region of regionNames) {
      const log = readFileSync(join(world().stack.state, 'regions', region, 'node.log'), 'utf8');
      for (const token of [wrongToken, ...Object.values(dataTokens)])
        assert.ok(!log.includes(token));
    }
  });

  test('a watch from what is not kept any more is told so', async () => {
    for (const name of ['ledger', 'history']) {
      const bucket = world().bucket(us, name);
      const watch = bucket.watch({ prefix: 'none.' });
      const { value: first } = await watch.next();
      await watch.return(undefined as never);
      const [epoch = '', sequence, at] = first!.cursor.split('.');
      const after = `${'1'.repeat(epoch.length)}.${sequence}.${at}`;
      await assert.rejects(bucket.watch({ after }).next(), failure('revision_compacted'));
      const answer = await world().answer(us, 'GET', `/${name}/watch?after=${after}`);
      assert.equal(answer.status, 410);
    }
  });

  const figure = async (name: string) => {
    const answer = await fetch(`http://${world().stack.address(us)}:9000/metrics`);
    const value = new RegExp(`^meridian_data_${name} (\\d+)$`, 'm').exec(await answer.text());
    return Number(value?.[1]);
  };

  test('a watch whose client takes nothing keeps little, and has the latest when it reads again', async () => {
    const bucket = world().bucket(us, 'history');
    const client = await RawClient.connect(9_100, world().stack.address(us));
    client.socket.pause();
    const fields = `Host: a\r\nAuthorization: Bearer ${dataTokens.reader}`;
    client.send(`GET /v1/buckets/history/watch?prefix=hot HTTP/1.1\r\n${fields}\r\n\r\n`);
    const value = new Uint8Array(500 * 1024);
    const open = async () => (await figure('watches')) === 1;
    await until('it is open', open);
    const before = await figure('sent_bytes_total');
    for (let round = 0; round < 5; round++) {
      const put = (at: number) => patiently(() => bucket.put(`hot.${at}`, value));
      await Promise.all(Array.from({ length: 8 }, (_, at) => put(at)));
    }
    const sent = (await figure('sent_bytes_total')) - before;
    assert.ok(sent < 18e6, `${sent} of 27 MB were written to a client that reads nothing`);
    await patiently(() => bucket.put('hot.last', 'end'));
    let seen = '';
    client.socket.on('data', (part) => {
      seen = (seen + part.toString('latin1')).slice(-4_000);
    });
    client.socket.resume();
    await until('the last value arrives', () => seen.includes('"hot.last"'), 60_000);
    client.socket.destroy();
    for (let at = 0; at < 8; at++) await patiently(() => bucket.delete(`hot.${at}`));
  });
}
