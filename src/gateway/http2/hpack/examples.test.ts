/** The examples of RFC 7541 appendix C. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';

const limits = { fieldBytes: 4_096, fieldCount: 100 };
/** The examples with responses have a table of 256 octets, which must first be said. */
const resizeTo256 = '3fe101';

interface Example {
  readonly block: string;
  readonly fields: readonly string[];
}

const firstRequest = [
  ...[':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
];
const secondRequest = [...firstRequest, 'cache-control', 'no-cache'];
const thirdRequest = [
  ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html'],
  ...[':authority', 'www.example.com', 'custom-key', 'custom-value'],
];
const firstResponse = [
  ...[':status', '302', 'cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
  ...['location', 'https://www.example.com'],
];
const secondResponse = firstResponse.with(1, '307');
const thirdResponse = [
  ...[':status', '200', 'cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
  ...['location', 'https://www.example.com', 'content-encoding', 'gzip'],
  ...['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
];

const requestsAsTheyAre: readonly Example[] = [
  { block: '828684410f7777772e6578616d706c652e636f6d', fields: firstRequest },
  { block: '828684be58086e6f2d6361636865', fields: secondRequest },
  {
    block: '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    fields: thirdRequest,
  },
];

const conversations: Readonly<Record<string, readonly Example[]>> = {
  'C.2.1': [
    {
      block: '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
      fields: ['custom-key', 'custom-header'],
    },
    { block: 'be', fields: ['custom-key', 'custom-header'] },
  ],
  'C.2.2': [{ block: '040c2f73616d706c652f70617468', fields: [':path', '/sample/path'] }],
  'C.2.3': [{ block: '100870617373776f726406736563726574', fields: ['password', 'secret'] }],
  'C.2.4': [{ block: '82', fields: [':method', 'GET'] }],
  'C.3': requestsAsTheyAre,
  'C.4': [
    { block: '828684418cf1e3c2e5f23a6ba0ab90f4ff', fields: firstRequest },
    { block: '828684be5886a8eb10649cbf', fields: secondRequest },
    { block: '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf', fields: thirdRequest },
  ],
  'C.5': [
    {
      block:
        `${resizeTo256}4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a` +
        '31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      fields: firstResponse,
    },
    { block: '4803333037c1c0bf', fields: secondResponse },
    {
      block:
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f' +
        '6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b' +
        '2076657273696f6e3d31',
      fields: thirdResponse,
    },
  ],
  'C.6': [
    {
      block:
        `${resizeTo256}488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e91` +
        '9d29ad171863c78f0b97c8e9ae82ae43d3',
      fields: firstResponse,
    },
    { block: '4883640effc1c0bf', fields: secondResponse },
    {
      block:
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335' +
        'dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      fields: thirdResponse,
    },
  ],
};

for (const [section, examples] of Object.entries(conversations)) {
  test(`${section}: decoded`, () => {
    const decoder = new HpackDecoder();
    for (const { block, fields } of examples) {
      const bytes = Buffer.from(block, 'hex');
      const decoded = decoder.decode(bytes, 0, bytes.length, limits);
      assert.deepEqual(decoded, { fields, wellFormed: true, tooLarge: false });
    }
  });
}

test('C.3: encoded', () => {
  const encoder = new HpackEncoder();
  for (const { block, fields } of requestsAsTheyAre) {
    assert.equal(Buffer.from(encoder.encode(fields)).toString('hex'), block);
  }
});

test('C.1: integers', () => {
  for (const [value, octets] of [
    [10, '2a'],
    [30, '3e'],
    [31, '3f00'],
    [1_337, '3f9a0a'],
  ] as const) {
    const encoder = new HpackEncoder();
    encoder.setMaxTableSize(value);
    assert.equal(Buffer.from(encoder.encode([])).toString('hex'), octets);
  }
});
