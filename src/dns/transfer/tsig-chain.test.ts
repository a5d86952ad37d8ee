import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DnsError } from '../errors.ts';
import { parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { TsigChain } from './tsig-chain.ts';
import { TsigKey } from './tsig-key.ts';
import { signedTimers, signedVariables, uint16, writeTsig } from './tsig-record.ts';

const nowSeconds = 1_800_000_000;
const keyOf = (secret: string) =>
  new TsigKey(parseName('transfer.test'), 'hmac-sha256', Buffer.from(secret));
const key = keyOf('a secret of two');
const requestMac = Buffer.alloc(32, 1);

const plain = (id: number) => encodeQuery({ id, name: parseName('example.test'), type: 252 });

/** Signed as RFC 8945 5.3.1 has it, written once more: every so many messages, and the last. */
function sign(count: number, every: number, by = key, atSeconds = nowSeconds): Buffer[] {
  let hmac = by.hmac().update(uint16(requestMac.length)).update(requestMac);
  let isFirst = true;
  return Array.from({ length: count }, (_, at) => {
    const message = plain(at);
    hmac.update(message);
    if (at % every !== 0 && at !== count - 1) return message;
    const fields = {
      ...{ keyName: by.name.wire, algorithm: by.algorithmName, timeSeconds: atSeconds },
      ...{ fudgeSeconds: 300, error: 0, other: Buffer.alloc(0) },
    };
    const mac = hmac.update(isFirst ? signedVariables(fields) : signedTimers(fields)).digest();
    isFirst = false;
    hmac = by.hmac().update(uint16(mac.length)).update(mac);
    const bytes = Buffer.concat([message, Buffer.alloc(200)]);
    return bytes.subarray(0, writeTsig(bytes, message.length, { ...fields, mac, originalId: at }));
  });
}

function check(messages: readonly Buffer[], atSeconds = nowSeconds): void {
  const chain = new TsigChain(key, requestMac);
  for (const message of messages) chain.take(message, atSeconds);
  chain.end();
}

const isRefused = (error: unknown) => error instanceof DnsError && error.code === 'transfer_failed';

test('answers whose messages are all signed, or some, are believed', () => {
  for (const [count, every] of [
    [1, 1],
    [5, 1],
    [7, 3],
    [250, 100],
  ] as const) {
    check(sign(count, every));
  }
});

const refusals: [why: string, messages: readonly Buffer[], message: RegExp][] = [
  ['is not signed', [plain(0)], /is not signed \(NOERROR\)/],
  ['is signed with another secret', sign(1, 1, keyOf('another')), /wrong signature/],
  ['ends without a signature', sign(7, 3).slice(0, 6), /ends without a signature/],
  ['has 100 messages without', sign(102, 101), /too many messages without signature/],
  ['was signed long ago', sign(3, 1, key, nowSeconds - 301), /clock that differs/],
  ['leaves out a message', sign(5, 1).toSpliced(2, 1), /wrong signature/],
  ['leaves out one that is not signed', sign(7, 3).toSpliced(1, 1), /wrong signature/],
  ['has one more', sign(7, 3).toSpliced(1, 0, plain(9)), /wrong signature/],
  ['has another order', sign(7, 3).toSpliced(1, 2, ...sign(7, 3).slice(1, 3).reverse()), /wrong/],
];
for (const [why, messages, message] of refusals) {
  test(`an answer that ${why} is refused`, () => {
    assert.throws(() => check(messages), message);
    assert.throws(() => check(messages), isRefused);
  });
}

test('an octet that is changed in any message is found out', () => {
  const good = sign(7, 3);
  const last = good.length - 1;
  fc.assert(
    fc.property(
      fc.nat(last),
      fc.nat(500),
      fc.integer({ min: 1, max: 255 }),
      (which, at, change) => {
        const bytes = Buffer.from(good[which]!);
        fc.pre(at < bytes.length);
        bytes[at] = bytes[at]! ^ change;
        const lower = (buffer: Buffer) => buffer.toString('latin1').toLowerCase();
        // The id and the letter case of the key of a signed message are free.
        const isSigned = which % 3 === 0 || which === last;
        fc.pre(!isSigned || (at > 1 && lower(bytes) !== lower(good[which]!)));
        assert.throws(() => check(good.with(which, bytes)), isRefused);
      },
    ),
  );
});
