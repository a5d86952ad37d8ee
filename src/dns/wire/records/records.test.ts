import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseName } from '../name.ts';
import { rdataBytes } from './record-type.ts';
import { recordType, recordTypes, typeCode, typeName } from './registry.ts';

const origin = parseName('exchange.test');

function encode(type: string, text: string): Buffer {
  return rdataBytes(recordType(typeCode(type)!)!.parse(text, origin));
}

function roundTrip(type: string, text: string): string {
  const bytes = encode(type, text);
  return recordType(typeCode(type)!)!.format(bytes, 0, bytes.length);
}

test('text to wire to text', () => {
  const golden: [type: string, text: string, back: string][] = [
    ['A', '192.0.2.1', '192.0.2.1'],
    ['AAAA', '2001:DB8:0:0::1', '2001:db8::1'],
    ['AAAA', '::ffff:192.0.2.1', '::ffff:c000:201'],
    ['AAAA', '::192.0.2.1', '::c000:201'],
    [
      'HTTPS',
      '1 . ipv6hint=::192.0.2.1,2001:db8:1::192.0.2.1',
      '1 . ipv6hint=::c000:201,2001:db8:1::c000:201',
    ],
    ['CNAME', 'rates', 'rates.exchange.test'],
    ['CNAME', 'www.example.com.', 'www.example.com'],
    ['CNAME', '@', 'exchange.test'],
    ['NS', 'ns1.infra', 'ns1.infra.exchange.test'],
    ['TXT', 'v=spf1 include:a -all', '"v=spf1 include:a -all"'],
    ['TXT', '"a b"  "c\\"d" "\\200e"', '"a b" "c\\"d" "\\200e"'],
    ['TXT', 'é', '"\\195\\169"'],
    ['TXT', '""', '""'],
    ['TXT', 'x'.repeat(300), `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    ['HINFO', '"RFC8482" ""', '"RFC8482" ""'],
    ['PTR', 'host.example.com.', 'host.example.com'],
    ['MX', '10 mail', '10 mail.exchange.test'],
    ['MX', '0 .', '0 .'],
    ['SRV', '0 5 443 api', '0 5 443 api.exchange.test'],
    ['CAA', '0 issue "ca.example.net; policy=ev"', '0 issue "ca.example.net; policy=ev"'],
    ['CAA', '0 issue a\\"b', '0 issue "a\\"b"'],
    ['CAA', '128 ISSUEWILD ;', '128 issuewild ";"'],
    ['TLSA', '3 1 1 0A1B 2c3D', '3 1 1 0a1b2c3d'],
    ['SMIMEA', '3 0 0 0a', '3 0 0 0a'],
    [
      'DS',
      `60485 5 1 ${'2BB183AF5F22588179A5'} ${'3B0A98631FAD1A292118'}`,
      '60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118',
    ],
    ['CDS', '0 0 0 00', '0 0 0 00'],
    ['DNSKEY', '257 3 13 AQI DBA==', '257 3 13 AQIDBA=='],
    ['CDNSKEY', '0 3 0 AA==', '0 3 0 AA=='],
    [
      'SSHFP',
      '2 1 123456789abcdef67890123456789abcdef67890',
      '2 1 123456789abcdef67890123456789abcdef67890',
    ],
    [
      'NAPTR',
      '100 10 "u" "E2U+sip" "!^.*$!sip:a\\\\1@b!" .',
      '100 10 "u" "E2U+sip" "!^.*$!sip:a\\\\1@b!" .',
    ],
    ['NAPTR', '100 10 S SIP+D2U "" _sip._udp', '100 10 "S" "SIP+D2U" "" _sip._udp.exchange.test'],
    ['SPF', 'v=spf1 -all', '"v=spf1 -all"'],
    ['URI', '10 1 "ftp://a.example/p"', '10 1 "ftp://a.example/p"'],
    ['SVCB', '0 api', '0 api.exchange.test'],
    ['HTTPS', '1 . alpn="h2,h3" port=8443', '1 . alpn="h2,h3" port=8443'],
    ['HTTPS', '1 . ipv6hint=2001:DB8::1 alpn=h2', '1 . alpn="h2" ipv6hint=2001:db8::1'],
    ['HTTPS', '1 . ech=AQID no-default-alpn alpn=h2', '1 . alpn="h2" no-default-alpn ech=AQID'],
    ['SVCB', '1 . mandatory=port,alpn alpn=h2 port=1', '1 . mandatory=alpn,port alpn="h2" port=1'],
    ['SVCB', '1 . key9999="a b" dohpath=/q{?dns}', '1 . dohpath="/q{?dns}" key9999="a b"'],
    ['SOA', 'ns1 dns.example.com. 7 1 2 3 4', 'ns1.exchange.test dns.example.com 7 1 2 3 4'],
  ];
  for (const [type, text, back] of golden)
    assert.equal(roundTrip(type, text), back, `${type} ${text}`);
});

test('text that is no data of its type', () => {
  const bad: [type: string, text: string][] = [
    ['A', '192.0.2'],
    ['A', '192.0.2.256'],
    ['A', '192.0.2.01'],
    ['A', '::1'],
    ['AAAA', '192.0.2.1'],
    ['AAAA', 'fe80::1%eth0'],
    ['CNAME', 'rates.exchange.test'],
    ['NS', 'exchange.test'],
    ['TXT', '"a'],
    ['TXT', '"a" b'],
    ['TXT', '"\\256"'],
    ['TXT', `"${'x'.repeat(256)}"`],
    ['TXT', 'x'.repeat(70_000)],
    ['HINFO', '"one"'],
    ['MX', 'mail'],
    ['MX', '65536 mail'],
    ['MX', '1 mail extra'],
    ['SRV', '0 5 api'],
    ['SRV', '0 5 443 api.exchange.test'],
    ['CAA', '256 issue "x"'],
    ['CAA', '0 is-sue "x"'],
    ['CAA', '0 issue "x'],
    ['TLSA', '3 1 1 0a1'],
    ['TLSA', '3 1 1'],
    ['DS', '60485 5 2 2BB183AF'],
    ['DS', '65536 5 9 2BB183AF'],
    ['DNSKEY', '257 3 13 AQI'],
    ['SSHFP', '2 1 1234'],
    ['NAPTR', '100 10 "u" "E2U+sip" .'],
    ['NAPTR', `1 1 "${'x'.repeat(256)}" "" "" .`],
    ['URI', '10 1 ""'],
    ['SVCB', '0 api port=1'],
    ['SVCB', '1 . unknown=1'],
    ['SVCB', '1 . key65535=1'],
    ['SVCB', '1 . key09=1'],
    ['HTTPS', '1 . no-default-alpn'],
    ['HTTPS', '1 . alpn="h2,"'],
    ['HTTPS', '1 . ech=!'],
    ['HTTPS', '1 . ipv4hint=1.2.3'],
    ['HTTPS', '1 . port=65536'],
    // RFC 9460 appendix D.3
    ['SVCB', '1 foo.example.com. key123=abc key123=def'],
    ['SVCB', '1 foo.example.com. mandatory'],
    ['SVCB', '1 foo.example.com. alpn'],
    ['SVCB', '1 foo.example.com. port'],
    ['SVCB', '1 foo.example.com. ipv4hint'],
    ['SVCB', '1 foo.example.com. ipv6hint'],
    ['SVCB', '1 foo.example.com. no-default-alpn=abc'],
    ['SVCB', '1 foo.example.com. mandatory=key123'],
    ['SVCB', '1 foo.example.com. mandatory=mandatory'],
    ['SVCB', '1 foo.example.com. mandatory=key123,key123 key123=abc'],
    ['SOA', 'ns1 dns 1 2 3 4'],
    ['SOA', 'ns1 dns 1 2 3 4 4294967296'],
  ];
  for (const [type, text] of bad) {
    assert.throws(
      () => encode(type, text),
      { code: 'bad_record_data' },
      `${type} ${text.slice(0, 40)}`,
    );
  }
  assert.throws(() => encode('CNAME', 'a..b'), { code: 'bad_name' });
});

test('service bindings of RFC 9460 appendix D', () => {
  const foo = '03666f6f076578616d706c6503636f6d00';
  const fooOrg = '03666f6f076578616d706c65036f726700';
  const golden: [text: string, hex: string][] = [
    ['0 foo.example.com.', `0000${foo}`],
    ['1 .', '000100'],
    ['16 foo.example.com. port=53', `0010${foo}000300020035`],
    ['1 foo.example.com. key667=hello', `0001${foo}029b000568656c6c6f`],
    ['1 foo.example.com. key667="hello\\210qoo"', `0001${foo}029b000968656c6c6fd2716f6f`],
    [
      '1 foo.example.com. ipv6hint="2001:db8::1,2001:db8::53:1"',
      `0001${foo}0006002020010db800000000000000000000000120010db8000000000000000000530001`,
    ],
    [
      '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
      '0001076578616d706c6503636f6d000006001020010db80122034400000000c0000221',
    ],
    [
      '16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
      `0010${fooOrg}0000000400010004000100090268320568332d313900040004c0000201`,
    ],
    [
      '16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"',
      `0010${fooOrg}0001000c08665c6f6f2c626172026832`,
    ],
    [
      '16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2',
      `0010${fooOrg}0001000c08665c6f6f2c626172026832`,
    ],
  ];
  for (const [text, hex] of golden) assert.equal(encode('SVCB', text).toString('hex'), hex, text);
});

test('parameters on the wire come in order, each once, and whole', () => {
  const malformed = [
    '000100000300020035000100030268320000',
    '0001000003000200350003000200350',
    '00010000030002003500030002003500',
    '000100000100030368',
    '00010000040003c00002',
  ];
  for (const hex of malformed) {
    const bytes = Buffer.from(hex, 'hex');
    assert.throws(
      () => recordType(64)!.format(bytes, 0, bytes.length),
      { code: 'bad_message' },
      hex,
    );
  }
});

test('wire data of a wrong length is malformed', () => {
  for (const type of recordTypes) {
    const bytes = Buffer.from('ffff', 'hex');
    assert.throws(() => type.format(bytes, 0, bytes.length), { code: 'bad_message' }, type.name);
    assert.throws(() => type.format(bytes, 0, 0), { code: 'bad_message' }, type.name);
  }
});

test('types by name and number', () => {
  assert.equal(typeCode('aaaa'), 28);
  assert.equal(typeCode('ANY'), 255);
  assert.equal(typeCode('TYPE65'), 65);
  assert.equal(typeCode('TYPE65536'), undefined);
  assert.equal(typeCode('NOPE'), undefined);
  assert.equal(typeName(28), 'AAAA');
  assert.equal(typeName(252), 'AXFR');
  assert.equal(typeName(999), 'TYPE999');
});
