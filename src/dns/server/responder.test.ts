import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unhealthy } from '../../health/table.ts';
import { createExchange, hex, type OraclePacket, oracle } from '../testdata/exchange.ts';
import { decodeMessage, type Message } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin, type Transport } from './query-origin.ts';
import { Responder } from './responder.ts';

const exchange = createExchange();
const responder = new Responder(compileDnsData(exchange.options), { random: () => 0 });
const output = Buffer.alloc(65_535);

interface Options {
  readonly type?: string;
  readonly class?: string;
  readonly subnet?: string;
  readonly payload?: number;
  readonly dnssecOk?: boolean;
  readonly transport?: Transport;
  readonly from?: Responder;
}

function send(bytes: Buffer, transport: Transport = 'udp', from = responder): Buffer | undefined {
  const length = from.respond(
    bytes,
    bytes.length,
    new QueryOrigin(transport, '198.51.100.1'),
    output,
  );
  return length === 0 ? undefined : Buffer.from(output.subarray(0, length));
}

function ask(name: string, options: Options = {}): Message {
  const { type = 'A', subnet, payload, transport, from } = options;
  const [ip, bits] = subnet?.split('/') ?? [];
  const ecs = ip === undefined ? [] : [{ code: 8, ip, sourcePrefixLength: Number(bits) }];
  const query: OraclePacket = {
    id: 4_711,
    type: 'query',
    questions: [{ name, type, class: options.class ?? 'IN' }],
    additionals:
      payload === undefined
        ? []
        : [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize: payload,
              flags: options.dnssecOk ? 0x8000 : 0,
              options: ecs,
            },
          ],
  };
  const response = send(oracle.encode(query), transport, from);
  assert.ok(response);
  const message = decodeMessage(response);
  assert.equal(message.id, 4_711);
  assert.equal(message.isResponse, true);
  oracle.decode(response);
  return message;
}

const dataOf = (message: Message) => message.answers.map(({ data }) => data);

test('golden: a query with client subnet, and its response', () => {
  const query = hex(`abcd 0100 0001 0000 0000 0001
    05 7241744573 08 45784368614e4765 04 74657374 00 0001 0001
    00 0029 1000 00000000 000b 0008 0007 0001 18 00 510245`);
  const response = hex(`abcd 8500 0001 0001 0000 0001
    05 7241744573 08 45784368614e4765 04 74657374 00 0001 0001
    c00c 0001 0001 0000000a 0004 7f000201
    00 0029 04d0 00000000 000b 0008 0007 0001 18 10 510245`);
  assert.equal(send(query)?.toString('hex'), response.toString('hex'));
});

test('the nearest region for each client, and the scope that this holds for', () => {
  const golden: [subnet: string, address: string, scope: number][] = [
    ['81.2.69.0/24', '127.0.2.1', 16],
    ['1.1.1.0/24', '127.0.3.1', 24],
    ['203.0.113.0/24', '127.0.1.1', 8],
  ];
  for (const [subnet, address, scope] of golden) {
    const message = ask('rates.exchange.test', { subnet, payload: 1_232 });
    assert.deepEqual(dataOf(message), [address], subnet);
    assert.equal(message.edns?.subnet?.scopeBits, scope, subnet);
  }
});

test('the source address counts where no subnet, or one of 0 bits, was sent', () => {
  const query = (options: { code: number; ip: string; sourcePrefixLength: number }[]) =>
    oracle.encode({
      id: 1,
      type: 'query',
      questions: [{ name: 'rates.exchange.test', type: 'A' }],
      additionals: [{ type: 'OPT', name: '.', flags: 0, udpPayloadSize: 1_232, options }],
    });
  const none = query([]);
  const zero = query([{ code: 8, ip: '0.0.0.0', sourcePrefixLength: 0 }]);
  const origin = new QueryOrigin('udp', '81.2.1.1');
  for (const bytes of [none, zero]) {
    const length = responder.respond(bytes, bytes.length, origin, output);
    const message = decodeMessage(Buffer.from(output.subarray(0, length)));
    assert.deepEqual(dataOf(message), ['127.0.2.1']);
    assert.equal(message.edns?.subnet?.scopeBits, bytes === zero ? 0 : undefined);
  }
});

test('client subnet is echoed only when asked, with scope 0 where all get the same', () => {
  assert.equal(ask('rates.exchange.test').edns, undefined);
  assert.equal(ask('rates.exchange.test', { payload: 1_232 }).edns?.subnet, undefined);
  const subnet = '81.2.69.0/24';
  for (const name of ['static.exchange.test', 'nope.exchange.test', 'pair.exchange.test']) {
    const message = ask(name, { subnet, payload: 1_232 });
    assert.equal(message.edns?.subnet?.scopeBits, 0, name);
    assert.equal(message.edns?.subnet?.sourceBits, 24, name);
  }
  assert.equal(ask('example.com', { subnet, payload: 1_232 }).edns?.subnet, undefined);
});

test('answers follow the health table', () => {
  const { states, options } = createExchange();
  const from = new Responder(compileDnsData(options), { random: () => 0 });
  const answer = (name: string) =>
    dataOf(ask(name, { from, subnet: '81.2.69.0/24', payload: 1_232 }));
  assert.deepEqual(answer('rates.exchange.test'), ['127.0.2.1']);
  states.setService(0, 1, unhealthy);
  assert.deepEqual(answer('rates.exchange.test'), ['127.0.1.1']);
  assert.deepEqual(answer('pair.exchange.test'), ['192.0.2.21', '192.0.2.22']);
  states.setGateway(1, unhealthy);
  assert.deepEqual(answer('pair.exchange.test'), ['192.0.2.22']);
  for (const region of [0, 1, 2]) states.setGateway(region, unhealthy);
  const closed = ask('closed.exchange.test', { from });
  assert.deepEqual([closed.rcode, closed.answers.length], [0, 0]);
  assert.equal(closed.authority[0]?.type, 'SOA');
  const glue = ask('exchange.test', { from, type: 'NS' });
  assert.equal(glue.answers.length, 3, 'name servers are static');
  assert.equal(glue.additional.length, 3);
});

test('negative answers carry the SOA with TTL min(SOA TTL, SOA minimum)', () => {
  for (const [name, type, rcode] of [
    ['nope.exchange.test', 'A', 3],
    ['static.exchange.test', 'AAAA', 0],
    ['b.c.exchange.test', 'A', 0],
    ['dangling.exchange.test', 'A', 3],
  ] as const) {
    const message = ask(name, { type });
    assert.equal(message.rcode, rcode, name);
    assert.equal(message.flags.authoritative, true);
    assert.deepEqual(
      message.authority.map(({ name, type, ttl }) => [name, type, ttl]),
      [['exchange.test', 'SOA', 5]],
    );
  }
});

test('TTLs are those of the record sets', () => {
  assert.deepEqual(
    ask('static.exchange.test').answers.map(({ ttl }) => ttl),
    [60, 60],
  );
  assert.equal(ask('rates.exchange.test').answers[0]?.ttl, 10);
});

test('what is refused, and what is not implemented', () => {
  const refused = ask('example.com', { payload: 1_232 });
  assert.deepEqual(
    [refused.rcode, refused.flags.authoritative, refused.authority, refused.edns?.extendedError],
    [5, false, [], 20],
  );
  assert.equal(ask('exchange.test', { class: 'CH', type: 'TXT' }).rcode, 5);
  assert.equal(ask('exchange.test', { type: 'AXFR', transport: 'tcp' }).rcode, 5);
  assert.equal(ask('exchange.test', { type: 'IXFR' }).rcode, 5);
  assert.equal(ask('exchange.test', { type: 'TSIG' }).rcode, 4);
  assert.equal(ask('exchange.test', { type: 'OPT' }).rcode, 1);
});

test('garbage: FORMERR with its id when a header is there, silence when not', () => {
  const opt = '00 0029 04d0 00000000 0000';
  const cases: [text: string, response: string | undefined][] = [
    ['abcd 0100 0000 0000 0000', undefined],
    ['abcd 8000 0001 0000 0000 0000 00 0001 0001', undefined],
    ['abcd 0100 0000 0000 0000 0000', 'abcd 8101 0000 0000 0000 0000'],
    ['abcd 0100 0001 0000 0000 0000 c00c', 'abcd 8101 0000 0000 0000 0000'],
    ['abcd 1000 ffff ffff ffff ffff', 'abcd 9004 0000 0000 0000 0000'],
    ['abcd 0000 0001 0000 0000 0000 00 0001 0001 ff', 'abcd 8001 0001 0000 0000 0000 00 0001 0001'],
    [
      `abcd 0000 0001 0000 0000 0002 00 0001 0001 ${opt} ${opt}`,
      `abcd 8001 0001 0000 0000 0001 00 0001 0001 ${opt}`,
    ],
    // Who asks with OPT is answered with it (RFC 6891 7), and with the question.
    [
      `abcd 1000 0001 0000 0000 0001 00 0001 0001 ${opt}`,
      `abcd 9004 0001 0000 0000 0001 00 0001 0001 ${opt}`,
    ],
    [
      `abcd 2800 0001 0001 0000 0001 00 0006 0001 00 0001 0001 00000000 0000 ${opt}`,
      `abcd a804 0001 0000 0000 0001 00 0006 0001 ${opt}`,
    ],
    [`abcd 0000 0000 0000 0000 0001 ${opt}`, `abcd 8001 0000 0000 0000 0001 ${opt}`],
    [
      `abcd 0000 0002 0000 0000 0001 00 0001 0001 00 0001 0001 ${opt}`,
      `abcd 8001 0000 0000 0000 0001 ${opt}`,
    ],
    [
      `abcd 0000 0001 0001 0000 0001 00 0001 0001 00 0001 0001 00000000 0000 ${opt}`,
      `abcd 8001 0001 0000 0000 0001 00 0001 0001 ${opt}`,
    ],
    [
      'abcd 0000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00018000 0000',
      'abcd 8000 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 01008000 0000',
    ],
  ];
  for (const [text, response] of cases) {
    const expected = response === undefined ? undefined : hex(response).toString('hex');
    assert.equal(send(hex(text))?.toString('hex'), expected, text);
  }
});

test('over UDP: 512 bytes without EDNS, at most 1,232 with it, then TC and nothing else', () => {
  // mid: about 900 bytes, large: about 1,500. The payload of one query says nothing of the next.
  const golden: [name: string, payload: number | undefined, answers: number][] = [
    ['mid', 1_232, 8],
    ['mid', undefined, 0],
    ['mid', 1, 0],
    ['mid', 512, 0],
    ['mid', 800, 0],
    ['mid', 65_535, 8],
    ['large', 1_232, 0],
    ['large', 65_535, 0],
    ['static', 1, 2],
  ];
  for (const [name, payload, answers] of golden) {
    const type = name === 'static' ? 'A' : 'TXT';
    const message = ask(`${name}.exchange.test`, { type, ...(payload && { payload }) });
    const what = `${name} in ${payload}`;
    assert.equal(message.answers.length, answers, what);
    assert.equal(message.flags.truncated, answers === 0, what);
    assert.deepEqual(message.authority, [], what);
    assert.equal(message.edns?.udpPayload, payload === undefined ? undefined : 1_232, what);
  }
  const whole = ask('big.exchange.test', { type: 'TXT', transport: 'tcp' });
  assert.equal(whole.flags.truncated, false);
  assert.equal(whole.answers.length, 60);
});

test('a referral names the servers below the cut, with the addresses that we hold', () => {
  const message = ask('x.lab.exchange.test');
  assert.equal(message.flags.authoritative, false);
  assert.deepEqual(message.answers, []);
  assert.deepEqual(
    message.authority.map(({ name, type, data }) => [name, type, data]),
    [
      ['lab.exchange.test', 'NS', 'ns1.lab.exchange.test'],
      ['lab.exchange.test', 'NS', 'ns.example.net'],
    ],
  );
  assert.deepEqual(
    message.additional.map(({ name, data }) => [name, data]),
    [['ns1.lab.exchange.test', '192.0.2.53']],
  );
});

test('ANY gets one record set (RFC 8482); DO comes back as it was sent', () => {
  const any = ask('exchange.test', { type: 'ANY', payload: 1_232, dnssecOk: true });
  assert.deepEqual(dataOf(any), ['"RFC8482" ""']);
  assert.equal(any.edns?.dnssecOk, true);
  assert.equal(ask('exchange.test', { type: 'ANY', payload: 1_232 }).edns?.dnssecOk, false);
});

test('a fault in steering is SERVFAIL and reported; the next question has its answer', () => {
  const faults: unknown[] = [];
  const data = compileDnsData(exchange.options);
  const locate = () => {
    throw new Error('broken database');
  };
  const from = new Responder(
    { ...data, steering: { ...data.steering, locate } },
    { onFault: (error) => faults.push(error) },
  );
  const broken = ask('rates.exchange.test', { from, payload: 1_232 });
  assert.deepEqual([broken.rcode, broken.answers], [2, []]);
  assert.match(String(faults), /broken database/);
  assert.equal(ask('static.exchange.test', { from }).answers.length, 2);
});

test('addresses of the hosts that records lead to go along, but those that are steered', () => {
  const mail = ask('exchange.test', { type: 'MX' });
  assert.deepEqual(dataOf(mail), ['10 static.exchange.test', '20 mail.example.com']);
  assert.deepEqual(
    mail.additional.map(({ name, data }) => `${name} ${data}`),
    ['static.exchange.test 192.0.2.1', 'static.exchange.test 192.0.2.2'],
  );
  const service = ask('_api._tcp.exchange.test', { type: 'SRV' });
  assert.equal(service.answers.length, 2);
  assert.equal(service.additional.length, 2);
});

test('so does a fault in the writing, which leaves nothing half written', () => {
  const faults: unknown[] = [];
  const data = compileDnsData(exchange.options);
  const from = new Responder(data, { onFault: (error) => faults.push(error) });
  const zone = data.zones.find(parseName('static.exchange.test').key);
  const set = zone?.node(parseName('static.exchange.test').key)?.sets[0];
  assert.ok(set);
  const [first] = set.records;
  Object.assign(set, {
    records: [
      first,
      {
        get head() {
          throw new Error('broken record');
        },
      },
    ],
  });
  const broken = ask('static.exchange.test', { from, payload: 1_232 });
  assert.deepEqual([broken.rcode, broken.answers], [2, []]);
  assert.equal(broken.flags.authoritative, false);
  assert.match(String(faults), /broken record/);
});

test('`replace` swaps all answers', () => {
  const from = new Responder(compileDnsData(exchange.options));
  assert.equal(ask('late.test', { from }).rcode, 5);
  const records = [{ name: '@', type: 'A' as const, values: ['192.0.2.200'] }];
  from.replace(compileDnsData(createExchange({ 'late.test': { records } }).options));
  assert.deepEqual(dataOf(ask('late.test', { from })), ['192.0.2.200']);
});

test('any bytes: silence, or a response that another implementation can read', () => {
  const names = ['rates', 'far', 'big', 'x.lab', 'x.wild', 'nope', 'both', 'loop-a'];
  const query = fc
    .tuple(
      fc.constantFrom(...names),
      fc.constantFrom('A', 'TXT', 'NS', 'ANY'),
      fc.ipV4(),
      fc.nat({ max: 32 }),
    )
    .map(([name, type, ip, bits]) =>
      oracle.encode({
        id: 7,
        type: 'query',
        questions: [{ name: `${name}.exchange.test`, type }],
        additionals: [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: 1_232,
            flags: 0,
            options: [{ code: 8, ip, sourcePrefixLength: bits }],
          },
        ],
      }),
    );
  const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
  const mutated = fc.tuple(query, fc.array(change, { maxLength: 4 })).map(([bytes, changes]) => {
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  });
  const random = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, random), (bytes) => {
      const response = send(bytes);
      if (!response) return;
      assert.ok(response.length <= 1_232);
      assert.equal(response.readUInt16BE(0), bytes.readUInt16BE(0));
      decodeMessage(response);
    }),
    { numRuns: 3_000 },
  );
});
