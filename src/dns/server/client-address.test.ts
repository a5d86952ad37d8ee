import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../steering/network.ts';
import { ClientAddress } from './client-address.ts';

const client = new ClientAddress();

function read(text: string): number[] | undefined {
  return client.read(text) ? [...client.address] : undefined;
}

test('addresses as the kernel writes them', () => {
  assert.deepEqual(read('192.0.2.255'), [192, 0, 2, 255]);
  assert.equal(client.prefixBits, 32);
  assert.deepEqual(read('::ffff:192.0.2.1'), [192, 0, 2, 1]);
  assert.equal(client.prefixBits, 32);
  assert.equal(read('2001:db8::1')?.length, 16);
  assert.equal(client.prefixBits, 128);
  assert.deepEqual(read('fe80::1%eth0')?.slice(0, 2), [0xfe, 0x80]);
});

test('what is no address is `::`, whatever was read before', () => {
  const texts = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1..2.3',
    '1.2.3.',
    '00.2.3.4',
    '1.2.3.04',
    '::ffff:1.2.03.4',
    ':',
    ':::',
    '1:2',
    '1::2::3',
  ];
  for (const text of [
    ...texts,
    '12345::',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:',
    'g::',
    '::1.2.3',
  ]) {
    client.read('2001:db8::1');
    assert.equal(read(text), undefined, text);
    assert.deepEqual([...client.address], Array(16).fill(0), text);
  }
});

test('agrees with another implementation on every address and on what is nearly one', () => {
  const nearly = fc.string({
    unit: fc.constantFrom(':', '::', '.', '0', '1f', 'abcd', '255'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly), (text) => {
      const octets = read(text);
      assert.equal(octets !== undefined, isIP(text) > 0);
      // Of `::192.0.2.1` they make something else than RFC 4291 2.5.5.1.
      if (octets && !/:.*\./.test(text)) assert.deepEqual(octets, [...parseAddress(text)!]);
    }),
    { numRuns: 3_000 },
  );
});
