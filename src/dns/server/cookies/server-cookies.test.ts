import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../steering/network.ts';
import { hex } from '../../testdata/exchange.ts';
import { CookieKeys } from './cookie-keys.ts';
import { ServerCookies } from './server-cookies.ts';
import { SipHash } from './siphash.ts';

const fixed = (key: string) => {
  const hash = new SipHash(hex(key));
  return { at: () => hash };
};
const addressOf = (text: string) => parseAddress(text)!;

function judge(cookies: ServerCookies, cookie: string, address: string, nowSeconds: number) {
  const bytes = hex(cookie);
  const verdict = cookies.judge({ bytes, length: bytes.length }, addressOf(address), nowSeconds);
  return [verdict, Buffer.from(cookies.answer).toString('hex')];
}

test('the examples of RFC 9018, appendix A', () => {
  const ipv4Key = fixed('e5e973e5a6b2a43f48e7dc849e37bfcf');
  const cookies = new ServerCookies(ipv4Key);
  const first = '2464c4abcf10c957010000005cf79f111f8130c3eee29480';
  const one = '198.51.100.100';
  assert.deepEqual(judge(cookies, '2464c4abcf10c957', one, 1_559_731_985), ['new', first]);
  const renewed = '2464c4abcf10c957010000005cf7a871d4a564a1442aca77';
  assert.deepEqual(judge(cookies, first, one, 1_559_734_385), ['valid', renewed]);
  const reserved = 'fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5';
  const two = '203.0.113.203';
  // In the example nearly two hours later, where we find it too old; what is answered is the same.
  assert.deepEqual(judge(cookies, reserved, two, 1_559_727_985), ['valid', reserved]);
  const next = 'fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e';
  assert.deepEqual(judge(cookies, reserved, two, 1_559_734_700), ['invalid', next]);

  const changedSeconds = 1_559_741_961;
  const keys = fixed('dd3bdf9344b678b185a6f5cb60fca715');
  const rolled = new ServerCookies(fixed('445536bcd2513298075a5d379663c962'), {
    keys,
    changedSeconds,
  });
  const old = '22681ab97d52c298010000005cf7c57926556bd0934c72f8';
  const fresh = '22681ab97d52c298010000005cf7c609a6bb79d16625507a';
  const six = '2001:db8:220:1:59de:d0f4:8769:82b8';
  assert.deepEqual(judge(rolled, old, six, changedSeconds), ['valid', fresh]);
});

const secret = new Uint8Array(32).fill(7);
const client = '0102030405060708';
const noon = 1_700_006_400;

test('a cookie is good for an hour, renewed after half of it, and for one address', () => {
  const cookies = new ServerCookies(new CookieKeys(secret));
  const [, made] = judge(cookies, client, '192.0.2.1', noon);
  const at = (seconds: number, address = '192.0.2.1') => judge(cookies, made!, address, seconds);
  assert.deepEqual(at(noon + 1_800), ['valid', made]);
  assert.equal(at(noon + 1_801)[0], 'valid');
  assert.notEqual(at(noon + 1_801)[1], made);
  assert.equal(at(noon + 3_600)[0], 'valid');
  assert.equal(at(noon + 3_601)[0], 'invalid');
  assert.equal(at(noon - 300)[0], 'valid');
  assert.equal(at(noon - 301)[0], 'invalid');
  assert.equal(at(noon, '192.0.2.2')[0], 'invalid');
  assert.equal(at(noon, '2001:db8::1')[0], 'invalid');
});

test('no octet of a cookie can be changed, and none of another length or version holds', () => {
  const cookies = new ServerCookies(new CookieKeys(secret));
  const [, made] = judge(cookies, client, '192.0.2.1', noon);
  for (let octet = 0; octet < 24; octet++) {
    const forged = Buffer.from(made!, 'hex');
    forged[octet]! ^= 1;
    const verdict = judge(cookies, forged.toString('hex'), '192.0.2.1', noon)[0];
    assert.equal(verdict, 'invalid', `octet ${octet}`);
  }
  for (const other of [made!.slice(0, 32), `${made}00`, made!.slice(0, 46)]) {
    assert.equal(judge(cookies, other, '192.0.2.1', noon)[0], 'invalid');
  }
});

test('servers with one secret take each other’s cookies, also over midnight, and others do not', () => {
  const here = new ServerCookies(new CookieKeys(secret));
  const there = new ServerCookies(new CookieKeys(Uint8Array.from(secret)));
  const midnight = Math.ceil(noon / 86_400) * 86_400;
  const [, made] = judge(here, client, '192.0.2.1', midnight - 10);
  const [, next] = judge(here, client, '192.0.2.1', midnight);
  assert.notEqual(made?.slice(32), next?.slice(32));
  for (const cookie of [made!, next!, made!]) {
    assert.equal(judge(there, cookie, '192.0.2.1', midnight + 5)[0], 'valid');
  }
  const stranger = new ServerCookies(new CookieKeys(new Uint8Array(32)));
  assert.equal(judge(stranger, made!, '192.0.2.1', midnight)[0], 'invalid');
});

test('the secret of before counts for an hour after a change, and its cookies are replaced', () => {
  const keys = new CookieKeys(secret);
  const [, made] = judge(new ServerCookies(keys), client, '192.0.2.1', noon - 10);
  const [, late] = judge(new ServerCookies(keys), client, '192.0.2.1', noon + 3_000);
  const next = new CookieKeys(new Uint8Array(32));
  const cookies = new ServerCookies(next, { keys, changedSeconds: noon });
  const [verdict, answer] = judge(cookies, made!, '192.0.2.1', noon);
  assert.deepEqual([verdict, answer === made], ['valid', false]);
  assert.equal(judge(new ServerCookies(next), answer!, '192.0.2.1', noon)[0], 'valid');
  assert.equal(judge(cookies, late!, '192.0.2.1', noon + 3_600)[0], 'valid');
  assert.equal(judge(cookies, late!, '192.0.2.1', noon + 3_601)[0], 'invalid');
});

test('timestamps go on when 32 bits are full, in 2106', () => {
  const cookies = new ServerCookies(new CookieKeys(secret));
  const [, made] = judge(cookies, client, '192.0.2.1', 2 ** 32 - 5);
  assert.equal(judge(cookies, made!, '192.0.2.1', 2 ** 32 + 5)[0], 'valid');
  assert.match(judge(cookies, client, '192.0.2.1', 2 ** 32 + 5)[1]!, /^.{24}00000005/);
});
