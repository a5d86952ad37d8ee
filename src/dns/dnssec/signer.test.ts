import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { parseName } from '../wire/name.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import { recordType, typeCode } from '../wire/records/registry.ts';
import { canonicalRecords, type RecordsToSign } from './canonical.ts';
import { KeySet } from './key-set.ts';
import { Signer } from './signer.ts';
import { formatZoneKeys, keyTag, parseZoneKeys, ZoneKey } from './zone-key.ts';

const apex = parseName('Example.net');
const nowSeconds = 1_800_000_000;

function setOf(name: string, type: string, ...values: string[]): RecordsToSign {
  const records = values.map((value) => recordType(typeCode(type)!)!.parse(value, apex));
  const owner = Buffer.from(parseName(name, apex).key, 'latin1');
  return { owner, type: typeCode(type)!, ttlSeconds: 3_600, records };
}

function sign(signer: Signer, set: RecordsToSign, atSeconds = nowSeconds): readonly Rdata[] {
  const { owner, type, ttlSeconds, records } = set;
  return signer.records(owner.toString('latin1'), type, ttlSeconds, records, atSeconds).signatures;
}

/** Whether a validator that knows the DNSKEY data takes the signature. */
function validates(dnskey: Rdata, signature: Rdata, set: RecordsToSign): boolean {
  const point = dnskey.tail.subarray(4);
  const key = createPublicKey({
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(0, 32).toString('base64url'),
      y: point.subarray(32).toString('base64url'),
    },
    format: 'jwk',
  });
  const { tail } = signature;
  const signed = Buffer.concat([tail.subarray(0, -64), canonicalRecords(set)]);
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, tail.subarray(-64));
}

test('the example of RFC 6605: key tag, and a signature over the canonical form', () => {
  const dnskey = Buffer.concat([
    Buffer.of(1, 1, 3, 13),
    Buffer.from(
      'GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==',
      'base64',
    ),
  ]);
  assert.equal(keyTag(dnskey), 55_648);
  const fixed = Buffer.alloc(18);
  fixed.writeUInt16BE(1, 0);
  fixed[2] = 13;
  fixed[3] = 3;
  fixed.writeUInt32BE(3_600, 4);
  fixed.writeUInt32BE(Date.UTC(2010, 8, 9, 10, 4, 39) / 1_000, 8);
  fixed.writeUInt32BE(Date.UTC(2010, 7, 12, 10, 4, 39) / 1_000, 12);
  fixed.writeUInt16BE(55_648, 16);
  const signature = Buffer.from(
    'qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==',
    'base64',
  );
  const tail = Buffer.concat([fixed, Buffer.from(apex.key, 'latin1'), signature]);
  const set = setOf('WWW', 'A', '192.0.2.1');
  assert.ok(validates(rdata({ tail: dnskey }), rdata({ tail }), set));
  assert.ok(!validates(rdata({ tail: dnskey }), rdata({ tail }), setOf('www', 'A', '192.0.2.2')));
});

test('what is signed validates, whatever its order and letter case', () => {
  const key = ZoneKey.generate('csk', 'active');
  const signer = new Signer({
    apex: apex.key,
    keys: new KeySet('example.net', [key]),
    capacity: 9,
  });
  const sets: [RecordsToSign, RecordsToSign][] = [
    [
      setOf('a', 'A', '192.0.2.2', '192.0.2.1'),
      setOf('A', 'A', '192.0.2.1', '192.0.2.2', '192.0.2.1'),
    ],
    [setOf('m', 'MX', '10 Mail'), setOf('m', 'MX', '10 mAIL')],
    [setOf('s', 'SRV', '0 5 443 Api'), setOf('s', 'SRV', '0 5 443 api')],
    [setOf('c', 'CNAME', 'WWW.Example.org.'), setOf('c', 'CNAME', 'www.example.org.')],
  ];
  for (const [at, [signed, same]] of sets.entries()) {
    const [signature] = sign(signer, signed);
    assert.ok(validates(key.data, signature!, same), String(at));
  }
});

test('a signature is made once for a set and a day, and is valid from an hour before for a week', () => {
  const keys = new KeySet('example.net', [ZoneKey.generate('csk', 'active')]);
  const signer = new Signer({ apex: apex.key, keys, capacity: 2 });
  const set = setOf('a', 'A', '192.0.2.1');
  const [first] = sign(signer, set);
  assert.equal(sign(signer, set, nowSeconds + 60)[0], first);
  assert.equal(signer.made, 1);
  const expiration = first!.tail.readUInt32BE(8);
  const inception = first!.tail.readUInt32BE(12);
  assert.ok(inception <= nowSeconds - 3_600 && expiration > nowSeconds + 5 * 86_400);
  assert.notEqual(sign(signer, set, nowSeconds + 86_400)[0], first);
  const others = ['b', 'c', 'd'].map((name) => setOf(name, 'A', '192.0.2.1'));
  for (const other of others) sign(signer, other, nowSeconds + 86_400);
  assert.equal(signer.made, 5);
  sign(signer, set, nowSeconds + 86_400);
  assert.equal(signer.made, 6);
});

test('of another TTL a set has another signature, with that TTL as the original one', () => {
  const keys = new KeySet('example.net', [ZoneKey.generate('csk', 'active')]);
  const signer = new Signer({ apex: apex.key, keys, capacity: 9 });
  const set = setOf('a', 'A', '192.0.2.1');
  const denied = (ttlSeconds: number) => signer.denial(apex.key, [], true, ttlSeconds, nowSeconds);
  for (const ttlSeconds of [30, 3_600, 30]) {
    for (const [signature] of [
      sign(signer, { ...set, ttlSeconds }),
      denied(ttlSeconds).signatures,
    ]) {
      assert.equal(signature!.tail.readUInt32BE(4), ttlSeconds);
    }
  }
  assert.equal(signer.made, 4);
});

test('each set is signed by the keys whose part that is, on every step of a rollover', () => {
  const generate = (role: 'csk' | 'ksk' | 'zsk', state: 'published' | 'active' | 'retired') =>
    ZoneKey.generate(role, state);
  const tagsFor = (keys: ZoneKey[], type: number) => {
    const signer = new Signer({ apex: apex.key, keys: new KeySet('z', keys), capacity: 9 });
    const set = { ...setOf('a', 'A', '192.0.2.1'), type };
    return sign(signer, set).map(({ tail }) => tail.readUInt16BE(16));
  };
  const [old, next] = [generate('csk', 'active'), generate('csk', 'published')];
  assert.deepEqual(tagsFor([old, next], 1), [old.tag]);
  assert.deepEqual(tagsFor([old, next], 48), [old.tag, next.tag]);
  const [ksk, zsk, retired] = [
    generate('ksk', 'active'),
    generate('zsk', 'active'),
    generate('zsk', 'retired'),
  ];
  assert.deepEqual(tagsFor([ksk, zsk, retired], 1), [zsk.tag]);
  assert.deepEqual(tagsFor([ksk, zsk, retired], 59), [ksk.tag]);
  const delegated = new KeySet('z', [old, generate('csk', 'retired'), zsk]).delegated;
  assert.deepEqual(delegated, [old]);
});

test('keys that no validator could follow are refused', () => {
  const refused = (...keys: ZoneKey[]) =>
    assert.throws(() => new KeySet('z', keys), { code: 'bad_dnssec_key' });
  refused();
  refused(ZoneKey.generate('zsk', 'active'));
  refused(ZoneKey.generate('ksk', 'active'), ZoneKey.generate('zsk', 'published'));
  const twice = ZoneKey.generate('csk', 'active');
  refused(twice, twice);
});

test('keys are kept as text, and what is no such text is refused without being shown', () => {
  const keys = [ZoneKey.generate('ksk', 'active'), ZoneKey.generate('zsk', 'published')];
  const read = parseZoneKeys(`# of example.net\n${formatZoneKeys(keys)}`);
  assert.deepEqual(
    read.map(({ role, state, tag }) => [role, state, tag]),
    keys.map(({ role, state, tag }) => [role, state, tag]),
  );
  assert.deepEqual(parseZoneKeys(''), []);
  const pem = keys[0]!.exportPem();
  for (const text of [
    'csk',
    `csk on\n${pem}`,
    `csk active\n${pem.slice(0, -40)}`,
    pem,
    `${pem}x`,
  ]) {
    assert.throws(
      () => parseZoneKeys(text),
      (error: Error) => {
        assert.doesNotMatch(error.message, /BEGIN|[A-Za-z0-9+/]{20}/);
        return (error as Error & { code?: string }).code === 'bad_dnssec_key';
      },
    );
  }
});

test('the delegation of a key is the digest of owner and key', () => {
  const key = ZoneKey.generate('csk', 'active');
  const { tail } = key.delegation(Buffer.from(apex.key, 'latin1'));
  assert.equal(tail.readUInt16BE(0), key.tag);
  assert.deepEqual([...tail.subarray(2, 4)], [13, 2]);
  assert.equal(tail.length, 4 + 32);
});

test('a denial is made once, and differs by what the name has', () => {
  const keys = new KeySet('example.net', [ZoneKey.generate('csk', 'active')]);
  const signer = new Signer({ apex: apex.key, keys, capacity: 9 });
  const { key } = parseName('gone', apex);
  const none = signer.denial(key, [], false, 60, nowSeconds);
  assert.equal(signer.denial(key, [], false, 60, nowSeconds), none);
  assert.notEqual(signer.denial(key, [], true, 60, nowSeconds).records[0], none.records[0]);
  assert.notEqual(signer.denial(key, [1], true, 60, nowSeconds).records[0], none.records[0]);
  assert.equal(signer.made, 3);
});
