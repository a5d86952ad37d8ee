import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { recordType, typeCode } from '../wire/records/registry.ts';
import type { WrittenSet } from '../zone-file/writer.ts';
import { transferMessages } from './transfer-messages.ts';
import { TsigSigner, verifyTsig } from './tsig.ts';
import { TsigKey } from './tsig-key.ts';

const apex = parseName('example.test');
const query = encodeQuery({ id: 77, name: apex, type: 252 });
const questionEnd = 12 + apex.wire.length + 4;
const nowSeconds = 1_800_000_000;

function setOf(name: string, type: string, ...values: string[]): WrittenSet {
  const code = typeCode(type)!;
  const records = values.map((value) => recordType(code)!.parse(value, apex));
  return { owner: parseName(name, apex), type: code, ttlSeconds: 60, records };
}

const soa = setOf('@', 'SOA', 'ns1 dns 7 1 2 3 4');
const many = Array.from({ length: 3_000 }, (_, at) => setOf(`host-${at}`, 'A', '192.0.2.1'));
const large = setOf('large', 'TXT', 'x'.repeat(30_000));

function messages(sets: readonly WrittenSet[], signer?: TsigSigner): Buffer[] {
  const output = Buffer.alloc(65_535);
  const transfer = { id: 77, query, questionEnd, soa, sets, signer, nowSeconds: () => nowSeconds };
  return Array.from(transferMessages(transfer, output), (length) =>
    Buffer.from(output.subarray(0, length)),
  );
}

test('the whole zone, between its SOA, in messages of a sensible size', () => {
  const all = messages([...many, large, setOf('last', 'A', '192.0.2.2')]);
  const records = all.flatMap((bytes) => decodeMessage(bytes).answers);
  assert.deepEqual([records[0]!.type, records.at(-1)!.type], ['SOA', 'SOA']);
  assert.equal(records.length, 2 + many.length + 1 + 1);
  assert.equal(new Set(records.map(({ name }) => name)).size, 1 + many.length + 1 + 1);
  for (const bytes of all) {
    const { id, questions, flags, answers } = decodeMessage(bytes);
    assert.deepEqual([id, questions[0]!.type, flags.authoritative], [77, 'AXFR', true]);
    assert.ok(bytes.length <= 16_384 || answers.some(({ type }) => type === 'TXT'));
  }
  assert.ok(all.length > 3 && all.length < 12);
});

test('a small zone is one message', () => {
  const [only, ...more] = messages([setOf('a', 'A', '192.0.2.1')]);
  assert.equal(more.length, 0);
  assert.equal(decodeMessage(only!).answers.length, 3);
});

test('every message is signed, each together with the one before it', () => {
  const key = new TsigKey(parseName('k'), 'hmac-sha256', Buffer.from('secret'));
  const keys = new Map([[key.name.key, key]]);
  const requestMac = Buffer.alloc(32, 9);
  const all = messages(many, new TsigSigner(key, requestMac));
  const first = verifyTsig(all[0]!, all[0]!.length, keys, nowSeconds, requestMac);
  assert.equal(first.kind, 'good');
  // Taken out of its place, one that follows is worth nothing.
  const alone = verifyTsig(all[1]!, all[1]!.length, keys, nowSeconds, requestMac);
  assert.equal(alone.kind, 'refused');
});
