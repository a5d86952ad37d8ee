import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transferSecrets, zonesOptions } from '../testdata/zones-server.ts';
import { encodeNotify, readNotifyAnswer } from '../transfer/notify-messages.ts';
import { TsigKey } from '../transfer/tsig-key.ts';
import { rcode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const nowSeconds = 1_800_000_000;
const keyOf = (name: keyof typeof transferSecrets, secret = transferSecrets[name]) =>
  new TsigKey(parseName(name), 'hmac-sha256', Buffer.from(secret, 'base64'));

const primary = '10.0.0.9';
const options = zonesOptions({
  'keyed.test': { secondary: { primaries: [primary, '2001:db8::9'], key: 'transfer.test' } },
  'open.test': { secondary: { primaries: [primary] } },
  'own.test': { records: [] },
});

/** What is answered, and what is passed on. */
function hear(zone: string, source: string, key?: TsigKey) {
  const told: string[] = [];
  const responder = new Responder(compileDnsData(options), {
    wallMs: () => nowSeconds * 1_000,
    onNotify: (name, from) => told.push(`${name} ${from}`),
  });
  const sent = encodeNotify(parseName(zone), 7, key, nowSeconds);
  const output = Buffer.alloc(1_232);
  const origin = new QueryOrigin('udp', source);
  const length = responder.respond(sent.bytes, sent.bytes.length, origin, output);
  const answer = output.subarray(0, length);
  return { told, answer, code: decodeMessage(answer).rcode, sent };
}

const cases: [why: string, zone: string, source: string, key: TsigKey | undefined, code: number][] =
  [
    ['of a primary', 'open.test', primary, undefined, rcode.noError],
    [
      'of a primary, as a dual-stack socket shows it',
      'open.test',
      `::ffff:${primary}`,
      undefined,
      0,
    ],
    ['of the other primary', 'keyed.test', '2001:db8:0:0::9', undefined, rcode.noError],
    ['signed with the key, from anywhere', 'keyed.test', '192.0.2.1', keyOf('transfer.test'), 0],
    ['from anywhere', 'open.test', '192.0.2.1', undefined, rcode.refused],
    ['with another key', 'keyed.test', '192.0.2.1', keyOf('other.test'), rcode.refused],
    ['with a key where none is set', 'open.test', '192.0.2.1', keyOf('transfer.test'), 5],
    ['of a primary of another zone', 'open.test', '2001:db8::9', undefined, rcode.refused],
    ['of a zone of our own', 'own.test', primary, undefined, rcode.notAuthorized],
    ['of a name below', 'www.open.test', primary, undefined, rcode.notAuthorized],
    ['with a wrong secret', 'open.test', primary, keyOf('transfer.test', 'AAAA'), 9],
  ];
for (const [why, zone, source, key, code] of cases) {
  test(`a notification ${why}: ${code === 0 ? 'believed' : 'not believed'}`, () => {
    const heard = hear(zone, source, key);
    assert.equal(heard.code, code);
    assert.deepEqual(heard.told, code === 0 ? [`${zone} ${source}`] : []);
    const said = readNotifyAnswer(heard.answer, heard.sent, nowSeconds);
    assert.equal(said === '', code === 0);
  });
}

test('one may bring the new SOA, and is answered with its question only', () => {
  const sent = encodeNotify(parseName('open.test'), 7, undefined, nowSeconds).bytes;
  const soa = Buffer.from(
    'c00c000600010000003c00160000000000010000000200000003000000040000000500',
    'hex',
  );
  const bytes = Buffer.concat([sent, soa.subarray(0, 34)]);
  bytes.writeUInt16BE(1, 6);
  const told: string[] = [];
  const onNotify = (zone: string) => told.push(zone);
  const responder = new Responder(compileDnsData(options), { onNotify });
  const output = Buffer.alloc(1_232);
  const length = responder.respond(bytes, bytes.length, new QueryOrigin('udp', primary), output);
  assert.deepEqual([output.readUInt16BE(2), length, told], [0xa400, sent.length, ['open.test']]);
});
