import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MeridianError } from '../../base/errors.ts';
import { parseProxyHead } from './proxy-protocol.ts';

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

interface Fields {
  readonly command?: number;
  readonly family?: number;
  readonly addresses?: Buffer;
  readonly extensions?: Buffer;
  readonly length?: number;
}

function head({
  command = 0x21,
  family = 0x11,
  addresses = Buffer.from('c0000201c63364050bb801bb', 'hex'),
  extensions = Buffer.alloc(0),
  length = addresses.length + extensions.length,
}: Fields = {}): Buffer {
  const fixed = Buffer.from([command, family, length >> 8, length & 0xff]);
  return Buffer.concat([signature, fixed, addresses, extensions]);
}

const v6 = Buffer.from(`20010db8${'0'.repeat(22)}01${'20010db8'.padEnd(32, '0')}0bb801bb`, 'hex');
const mapped = Buffer.from(`${'0'.repeat(20)}ffffc0000201${'0'.repeat(32)}0bb801bb`, 'hex');
const tlv = (type: number, value: string) =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), Buffer.from(value)]);

test('the source is that of the client, in every family', () => {
  const cases: [string, Buffer, string | undefined][] = [
    ['TCP over IPv4', head(), '192.0.2.1'],
    ['TCP over IPv6', head({ family: 0x21, addresses: v6 }), '2001:db8::1'],
    ['IPv4 in IPv6', head({ family: 0x21, addresses: mapped }), '192.0.2.1'],
    [
      'with extensions',
      head({ extensions: Buffer.concat([tlv(4, ''), tlv(0xee, 'x'.repeat(300))]) }),
      '192.0.2.1',
    ],
    ['the proxy itself', head({ command: 0x20, family: 0, addresses: Buffer.alloc(0) }), undefined],
    [
      'the proxy itself, with what is to be ignored',
      head({ command: 0x20, family: 0x99 }),
      undefined,
    ],
    ['of an unknown family', head({ family: 0, addresses: Buffer.from('ignored') }), undefined],
  ];
  for (const [what, bytes, source] of cases) {
    assert.deepEqual(parseProxyHead(bytes), { length: bytes.length, source }, what);
    const followed = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')]);
    assert.deepEqual(parseProxyHead(followed), { length: bytes.length, source }, what);
    for (let end = 0; end < bytes.length; end++) {
      assert.equal(parseProxyHead(bytes.subarray(0, end)), undefined, `${what} until ${end}`);
    }
  }
});

const refused: [string, Buffer, string][] = [
  ['a request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'proxy_signature'],
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), 'proxy_signature'],
  ['a handshake', Buffer.from('\x16\x03\x01', 'latin1'), 'proxy_signature'],
  ['its first octet only', Buffer.from('P'), 'proxy_signature'],
  [
    'the last octet of the signature',
    Buffer.concat([signature.subarray(0, 11), Buffer.from('x')]),
    'proxy_signature',
  ],
  ['version 3', head({ command: 0x31 }), 'proxy_version'],
  ['another command', head({ command: 0x22 }), 'proxy_version'],
  ['UDP', head({ family: 0x12 }), 'proxy_family'],
  ['a UNIX socket', head({ family: 0x31, addresses: Buffer.alloc(216) }), 'proxy_family'],
  ['an unknown family', head({ family: 0x41 }), 'proxy_family'],
  ['too short for IPv4', head({ addresses: Buffer.alloc(11) }), 'proxy_length'],
  ['too short for IPv6', head({ family: 0x21 }), 'proxy_length'],
  ['too long', head({ length: 4_081 }), 'proxy_length'],
  ['an extension without a length', head({ extensions: Buffer.from([4, 0]) }), 'proxy_extension'],
  [
    'an extension that is cut off',
    head({ extensions: tlv(4, 'abc').subarray(0, 5) }),
    'proxy_extension',
  ],
];
for (const [what, bytes, code] of refused) {
  test(`refused: ${what}, at the first octet that tells`, () => {
    assert.throws(() => parseProxyHead(bytes), { code });
    const first = Array.from(bytes.keys()).find((end) => throws(bytes.subarray(0, end + 1)));
    for (let end = 0; end < first!; end++) {
      assert.equal(parseProxyHead(bytes.subarray(0, end)), undefined, String(end));
    }
  });
}

function throws(bytes: Buffer): boolean {
  try {
    parseProxyHead(bytes);
    return false;
  } catch {
    return true;
  }
}

test('whatever comes is taken, waited for within the limit, or refused by a code', () => {
  const noise = fc.uint8Array({ maxLength: 300 });
  const bytes = fc.oneof(
    noise.map((rest) => Buffer.concat([signature, rest])),
    noise.map((rest) => Buffer.concat([head().subarray(0, 14), rest])),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      try {
        const found = parseProxyHead(input);
        assert.ok(found === undefined || (found.length >= 16 && found.length <= input.length));
      } catch (error) {
        assert.ok(error instanceof MeridianError && String(error.code).startsWith('proxy_'));
      }
    }),
  );
});
