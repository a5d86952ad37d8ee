import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { TsigSigner, tsigError, verifyTsig } from './tsig.ts';
import { type TsigAlgorithm, TsigKey } from './tsig-key.ts';

const nowSeconds = 1_800_000_000;
const keyOf = (name: string, secret: string, algorithm: TsigAlgorithm = 'hmac-sha256') =>
  new TsigKey(parseName(name), algorithm, Buffer.from(secret));
const key = keyOf('Transfer.key', 'a secret of two');
const keys = new Map([[key.name.key, key]]);

/** A message of `text` that is signed like an answer to a request with that MAC. */
function signed(signer: TsigSigner, atSeconds = nowSeconds): Buffer {
  const query = encodeQuery({ id: 7, name: parseName('example.test'), type: 252 });
  const bytes = Buffer.alloc(query.length + signer.overheadBytes);
  query.copy(bytes);
  return bytes.subarray(0, signer.sign(bytes, query.length, atSeconds));
}

const requestMac = Buffer.alloc(32, 1);
const verify = (bytes: Buffer, before = requestMac, atSeconds = nowSeconds) =>
  verifyTsig(bytes, bytes.length, keys, atSeconds, before);

test('what one side signs the other takes, with every algorithm', () => {
  for (const algorithm of ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const) {
    const own = keyOf('k', 's', algorithm);
    const bytes = signed(new TsigSigner(own, requestMac));
    const known = new Map([[own.name.key, own]]);
    const verdict = verifyTsig(bytes, bytes.length, known, nowSeconds, requestMac);
    assert.equal(verdict.kind, 'good');
  }
});

test('each reason for which one is refused', () => {
  const good = signed(new TsigSigner(key, requestMac));
  const errorOf = (verdict: ReturnType<typeof verify>) =>
    verdict.kind === 'refused' ? verdict.error : verdict.kind;
  assert.equal(errorOf(verify(good)), 'good');
  assert.equal(errorOf(verify(good, requestMac, nowSeconds + 301)), tsigError.badTime);
  assert.equal(errorOf(verify(good, Buffer.alloc(32, 2))), tsigError.badSignature);
  const forged = signed(new TsigSigner(keyOf('transfer.key', 'another secret'), requestMac));
  assert.equal(errorOf(verify(forged)), tsigError.badSignature);
  const stranger = signed(new TsigSigner(keyOf('nobody', 'x'), requestMac));
  assert.equal(errorOf(verify(stranger)), tsigError.badKey);
  const other = signed(new TsigSigner(keyOf('transfer.key', 'x', 'hmac-sha512'), requestMac));
  assert.equal(errorOf(verify(other)), tsigError.badKey);
  assert.equal(errorOf(verify(good.subarray(0, good.length - 1))), 'malformed');
});

test('an octet that is changed anywhere is found out', () => {
  const good = signed(new TsigSigner(key, requestMac));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = Buffer.from(good);
      bytes[at] = bytes[at]! ^ change;
      // The letter case of the name of the key, and the id of a message that was passed on, are free.
      const free =
        at < 2 || bytes.toString('latin1').toLowerCase() === good.toString('latin1').toLowerCase();
      assert.ok(free || verify(bytes).kind !== 'good', `octet ${at}`);
    }),
  );
});

test('whatever the octets: a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      verifyTsig(Buffer.from(octets), octets.length, keys, nowSeconds);
    }),
  );
});

test('a message without one has none', () => {
  const query = encodeQuery({ id: 7, name: parseName('example.test'), type: 252 });
  assert.deepEqual(verify(query), { kind: 'none' });
});
