import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileDnsData } from '../server/data.ts';
import { createExchange } from '../testdata/exchange.ts';
import { TsigSigner, tsigError, verifyTsig } from '../transfer/tsig.ts';
import { type TsigAlgorithm, TsigKey } from '../transfer/tsig-key.ts';
import { findTsig, timeBytes } from '../transfer/tsig-record.ts';
import { rcode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { typeCode } from '../wire/records/registry.ts';
import { soa, soaData } from '../wire/records/soa.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const nowSeconds = 1_800_000_000;
const secret = Buffer.from('a secret of two servers');
const keyOf = (name = 'transfer.test', text = secret, algorithm: TsigAlgorithm = 'hmac-sha256') =>
  new TsigKey(parseName(name), algorithm, text);
const key = keyOf();
const keys = new Map([[key.name.key, key]]);

/** Fits a UDP message as long as that is not signed. */
const edge = {
  name: 'edge',
  type: 'TXT' as const,
  values: Array.from({ length: 10 }, (_, i) => `${i}${'x'.repeat(99)}`),
};

function createResponder(rateLimit: false | { responses: number } = false): Responder {
  const { options } = createExchange({
    'keyed.test': { transfer: { to: ['192.0.2.1/32'], key: 'transfer.test' }, records: [] },
    'open.test': { transfer: { to: ['192.0.2.1/32'] }, records: [edge] },
  });
  const transferKeys = {
    'transfer.test': { algorithm: 'hmac-sha256' as const, secret: 'file' },
  };
  const dns = { ...options.config.dns, transferKeys };
  if (rateLimit) {
    const common = { window: 15_000, slip: 1, ipv4Prefix: 24, ipv6Prefix: 56, exempt: [] };
    dns.rateLimit = { ...common, ...rateLimit };
  }
  const config = { ...options.config, dns };
  const transferSecrets = { 'transfer.test': secret.toString('base64') };
  const data = compileDnsData({ ...options, config, transferSecrets });
  return new Responder(data, { wallMs: () => nowSeconds * 1_000 });
}

const query = (name: string, type: string) =>
  encodeQuery({ id: 77, name: parseName(name), type: typeCode(type)! });

function sign(message: Buffer, signer: TsigSigner, atSeconds = nowSeconds): Buffer {
  const bytes = Buffer.concat([message, Buffer.alloc(signer.overheadBytes)]);
  return bytes.subarray(0, signer.sign(bytes, message.length, atSeconds));
}

function ask(responder: Responder, message: Buffer, transport: 'udp' | 'tcp' = 'udp'): Buffer {
  const output = Buffer.alloc(transport === 'udp' ? 1_232 : 65_535);
  const origin = new QueryOrigin(transport, '192.0.2.1');
  return output.subarray(0, responder.respond(message, message.length, origin, output));
}

test('a signed query gets a signed answer', () => {
  const signer = new TsigSigner(key);
  const response = ask(createResponder(), sign(query('static.exchange.test', 'A'), signer));
  const proof = verifyTsig(response, response.length, keys, nowSeconds, signer.mac);
  assert.equal(proof.kind, 'good');
  const { answers, rcode: code } = decodeMessage(response);
  assert.deepEqual([code, answers.length], [rcode.noError, 2]);
  // The next one is not signed, and neither is its answer.
  const plain = ask(createResponder(), query('static.exchange.test', 'A'));
  assert.equal(findTsig(plain, plain.length), 'none');
});

test('with its signature an answer stays as large as the client takes', () => {
  const plain = query('edge.open.test', 'TXT');
  assert.equal(decodeMessage(ask(createResponder(), plain)).answers.length, 10);
  const signer = new TsigSigner(key);
  const response = ask(createResponder(), sign(plain, signer));
  const proof = verifyTsig(response, response.length, keys, nowSeconds, signer.mac);
  assert.equal(proof.kind, 'good');
  assert.equal(decodeMessage(response).flags.truncated, true);
});

/** RCODE and TSIG of the answer to a query that is signed wrongly. */
function refusal(signer: TsigSigner, atSeconds = nowSeconds, shorten = (bytes: Buffer) => bytes) {
  const bytes = shorten(sign(query('static.exchange.test', 'A'), signer, atSeconds));
  const response = ask(createResponder(), bytes);
  const tsig = findTsig(response, response.length);
  assert.ok(typeof tsig === 'object');
  const { rcode: code, answers } = decodeMessage(response);
  assert.equal(answers.length, 0);
  return { code, error: tsig.error, mac: tsig.mac, tsig, response };
}

test('an unknown key or a wrong MAC: NOTAUTH, not signed', () => {
  for (const [signer, error] of [
    [new TsigSigner(keyOf('nobody.test')), tsigError.badKey],
    [new TsigSigner(keyOf('transfer.test', secret, 'hmac-sha512')), tsigError.badKey],
    [new TsigSigner(keyOf('transfer.test', Buffer.from('another'))), tsigError.badSignature],
  ] as const) {
    const { code, mac, ...rest } = refusal(signer);
    assert.deepEqual([code, rest.error, mac.length], [rcode.notAuthorized, error, 0]);
  }
});

test('a clock that is wrong: NOTAUTH with our time, signed so that it can be believed', () => {
  const signer = new TsigSigner(key);
  const { code, error, tsig, response } = refusal(signer, nowSeconds - 301);
  assert.deepEqual([code, error], [rcode.notAuthorized, tsigError.badTime]);
  assert.equal(tsig.other.readUIntBE(0, timeBytes), nowSeconds);
  // By the clock of who asked, its signature is good.
  const proof = verifyTsig(response, response.length, keys, nowSeconds - 301, signer.mac);
  assert.equal(proof.kind, 'good');
});

test('a MAC that is cut is told so if it is right as far as it goes', () => {
  const cutTo = (octets: number) => (bytes: Buffer) => {
    const tsig = findTsig(bytes, bytes.length);
    assert.ok(typeof tsig === 'object');
    const macAt = bytes.indexOf(tsig.mac);
    const cut = Buffer.concat([
      bytes.subarray(0, macAt + octets),
      bytes.subarray(macAt + tsig.mac.length),
    ]);
    cut.writeUInt16BE(octets, macAt - 2);
    const lengthAt = tsig.at + key.name.wire.length + 8;
    cut.writeUInt16BE(cut.readUInt16BE(lengthAt) - tsig.mac.length + octets, lengthAt);
    return cut;
  };
  const { code, error, mac } = refusal(new TsigSigner(key), nowSeconds, cutTo(16));
  assert.deepEqual([code, error, mac.length], [rcode.notAuthorized, tsigError.badTruncation, 32]);
  const tooShort = cutTo(9)(sign(query('static.exchange.test', 'A'), new TsigSigner(key)));
  assert.equal(decodeMessage(ask(createResponder(), tooShort)).rcode, rcode.formatError);
});

test('a TSIG that is not the last record, or no TSIG at all: FORMERR', () => {
  const good = sign(query('static.exchange.test', 'A'), new TsigSigner(key));
  const withOpt = Buffer.concat([good, Buffer.of(0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0)]);
  withOpt.writeUInt16BE(3, 10);
  const broken = Buffer.from(good);
  broken[broken.length - 1] = 9; // more other data than there is
  for (const bytes of [withOpt, broken]) {
    assert.equal(decodeMessage(ask(createResponder(), bytes)).rcode, rcode.formatError);
  }
});

test('a signed query that is sent again and again over UDP is limited', () => {
  const responder = createResponder({ responses: 1 });
  const signed = sign(query('static.exchange.test', 'A'), new TsigSigner(key));
  const answersOf = (transport: 'udp' | 'tcp') =>
    decodeMessage(ask(responder, signed, transport)).answers.length;
  assert.deepEqual([answersOf('udp'), answersOf('udp'), answersOf('udp')], [2, 0, 0]);
  for (let i = 0; i < 5; i++) assert.equal(answersOf('tcp'), 2);
});

test('whatever octets change: an answer that fits, and a signed one to a good query only', () => {
  const responder = createResponder();
  const good = sign(query('static.exchange.test', 'A'), new TsigSigner(key));
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(40), (changes, cut) => {
      const bytes = Buffer.from(good.subarray(0, good.length - (cut > 30 ? cut : 0)));
      for (const [at, octet] of changes) if (at < bytes.length) bytes[at] = octet;
      const response = ask(responder, bytes);
      assert.ok(response.length <= 1_232);
      if (response.length === 0) return;
      const { rcode: code, answers } = decodeMessage(response);
      const isKept = verifyTsig(bytes, bytes.length, keys, nowSeconds).kind === 'good';
      const tsig = findTsig(response, response.length);
      const isSigned = typeof tsig === 'object' && tsig.error === 0;
      assert.ok(isKept || !isSigned);
      if (isSigned && code === rcode.noError) assert.equal(answers.length, 2);
    }),
    { numRuns: 1_000 },
  );
});

/** A question for the difference since a serial (RFC 1995 3). */
function incremental(zone: string, serial: number): Buffer {
  const bytes = encodeQuery({ id: 77, name: parseName(zone), type: 251 });
  const end = 12 + parseName(zone).wire.length + 4;
  const numbers = { serial, refresh: 1, retry: 1, expire: 1, minimum: 1 };
  const data = rdataBytes(soaData(parseName('.'), parseName('.'), numbers));
  const fixed = Buffer.from([0xc0, 12, 0, soa.code, 0, 1, 0, 0, 0, 0, 0, data.length]);
  const whole = Buffer.concat([bytes.subarray(0, end), fixed, data, bytes.subarray(end)]);
  whole.writeUInt16BE(1, 8);
  return whole;
}

test('a question for a difference: the SOA alone for who has it, and over UDP in any case', () => {
  const responder = createResponder();
  const typesOf = (bytes: Buffer) => decodeMessage(bytes).answers.map(({ type }) => type);
  // The serial is 7.
  for (const serial of [7, 8, 6]) {
    assert.deepEqual(typesOf(ask(responder, incremental('open.test', serial))), ['SOA']);
  }
  assert.deepEqual(typesOf(ask(responder, incremental('open.test', 7), 'tcp')), ['SOA']);
  const older = incremental('open.test', 6);
  assert.equal(decodeMessage(ask(responder, older, 'tcp')).rcode, rcode.refused);
  const output = Buffer.alloc(65_535);
  const length = responder.transfer(older, '192.0.2.1', output)?.next().value;
  const types = typesOf(output.subarray(0, length));
  assert.deepEqual([types.at(0), types.at(-1), types.length > 3], ['SOA', 'SOA', true]);
});

test('of a zone with a key it is only for who has signed', () => {
  const responder = createResponder();
  const { rcode: code } = decodeMessage(ask(responder, incremental('keyed.test', 7)));
  assert.equal(code, rcode.refused);
  const signer = new TsigSigner(key);
  const response = ask(responder, sign(incremental('keyed.test', 7), signer));
  assert.equal(verifyTsig(response, response.length, keys, nowSeconds, signer.mac).kind, 'good');
  assert.equal(decodeMessage(response).answers[0]?.type, 'SOA');
});
