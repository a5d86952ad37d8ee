import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { configSchema } from '../../src/config/schema/config.ts';
import { compileDnsData } from '../../src/dns/server/data.ts';
import { QueryOrigin, type Transport } from '../../src/dns/server/query-origin.ts';
import { Responder } from '../../src/dns/server/responder.ts';
import { createExchange, oracle } from '../../src/dns/testdata/exchange.ts';
import { rawQuery } from '../../src/dns/testdata/raw-query.ts';
import { decodeMessage } from '../../src/dns/wire/message.ts';
import { pick, seededRandom } from '../simulation/seeded-random.ts';
import { PacketSource } from './hostile/dns-packets.ts';

/** By hand, with more and other ones: `DNS_PACKETS=1000000 DNS_SEED=7 node --test test/long/dns-garbage.test.ts`. */
const packets = Number(process.env.DNS_PACKETS ?? 300_000);
const seed = Number(process.env.DNS_SEED ?? 961_920_646);
const addresses = ['192.0.2.1', '2001:db8::1', '::ffff:198.51.100.7', ''];
const transports: readonly Transport[] = ['udp', 'udp', 'tcp', 'tls'];

const exchange = createExchange();

function createResponder(rateLimit: object | false) {
  const faults: unknown[] = [];
  const dns = configSchema.shape.dns.parse({ rateLimit, identifier: 'ns-{region}' });
  const config = { ...exchange.config, dns };
  const cookieSecret = new Uint8Array(32).fill(7);
  const responder = new Responder(compileDnsData({ ...exchange.options, config, cookieSecret }), {
    random: () => 0.5,
    onFault: (error) => faults.push(error),
  });
  return { responder, faults };
}

/** What must come out the same whatever came in between. */
const golden = ['static', 'big', 'x.wild', 'nope', 'x.lab'].flatMap((name) =>
  [undefined, []].map((options) =>
    rawQuery({ name: `${name}.exchange.test`, type: 'TXT', ...(options && { options }) }),
  ),
);

const output = Buffer.alloc(65_535);
const origin = new QueryOrigin('udp', '192.0.2.1');

function respond(responder: Responder, bytes: Buffer, from = origin): Buffer {
  return output.subarray(0, responder.respond(bytes, bytes.length, from, output));
}

/** What every response must be, whatever was sent. */
function check(sent: Buffer, response: Buffer, transport: Transport): void {
  if (response.length === 0) return;
  assert.ok(sent.length >= 12 && (sent[2]! & 0x80) === 0, 'an answer to an answer');
  assert.ok(response.length <= (transport === 'udp' ? 1_232 : 65_535));
  assert.equal(response.readUInt16BE(0), sent.readUInt16BE(0));
  assert.equal(response[2]! & 0xf9, (sent[2]! & 0x79) | 0x80, 'QR, the OPCODE and RD');
  const { questions, edns, rcode, answers } = decodeMessage(Buffer.from(response));
  if (questions.length > 0) {
    const end = 12 + sent.subarray(12).indexOf(0) + 5;
    if (end <= response.length)
      assert.ok(response.subarray(12, end).equals(sent.subarray(12, end)));
  }
  if (!edns && transport === 'udp') assert.ok(response.length <= 512);
  if (rcode !== 0 && rcode !== 3) assert.equal(answers.length, 0);
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test(`${packets} packets of garbage: each answered properly or not at all, and nothing stays (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const source = new PacketSource(random);
  const { responder, faults } = createResponder(false);
  const expected = golden.map((query) => Buffer.from(respond(responder, query)));
  /** After a tenth, and after half of the rest. */
  const heaps: number[] = [];
  const looksAt = [0.1, 0.55].map((share) => Math.floor((packets * share) / 1_000) * 1_000);
  let answered = 0;
  for (let packet = 0; packet < packets; packet++) {
    const sent = source.next();
    const transport = pick(random, transports);
    const from = new QueryOrigin(transport, pick(random, addresses));
    try {
      const response = respond(responder, sent, from);
      check(sent, response, transport);
      if (response.length > sent.length) answered++;
      if (packet % 100 === 0 && response.length > 0) oracle.decode(Buffer.from(response));
    } catch (error) {
      throw new Error(`packet ${packet}: ${sent.toString('hex')}`, { cause: error });
    }
    if (packet % 1_000 !== 0) continue;
    const isAsBefore = golden.every((query, at) => respond(responder, query).equals(expected[at]!));
    assert.ok(isAsBefore, `after packet ${packet} a query is answered in another way`);
    if (looksAt.includes(packet)) heaps.push(heapBytes());
  }
  assert.deepEqual(faults, []);
  assert.ok(answered > packets / 10, `${answered} were still questions`);
  // What stays of packets grows with all of them; what is made once, does not.
  const [first = 0, second = 0] = heaps;
  const grown = Math.min(second - first, heapBytes() - second);
  assert.ok(grown < 2 * 1024 * 1024, `memory grew by ${grown} again`);
});

test('a flood in the name of a victim brings it less than was sent', () => {
  const { responder } = createResponder({ exempt: [] });
  const random = seededRandom(seed);
  for (const name of ['mid', 'x.wild', 'nope', 'x.lab', 'static']) {
    const query = rawQuery({ name: `${name}.exchange.test`, type: 'TXT', options: [] });
    let sentBytes = 0;
    let receivedBytes = 0;
    for (let packet = 0; packet < 100_000; packet++) {
      const victim = `203.0.113.${Math.floor(random() * 256)}`;
      const from = new QueryOrigin('udp', victim);
      from.receivedMs = packet / 20;
      sentBytes += query.length;
      receivedBytes += respond(responder, query, from).length;
    }
    assert.ok(receivedBytes < sentBytes, `${name}: ${receivedBytes} of ${sentBytes}`);
  }
});
