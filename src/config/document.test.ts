import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptDocument } from './document.ts';
import { parseConfig } from './load.ts';

const document = {
  regions: { a: { address: '127.0.1.1', location: { latitude: 1, longitude: 2 } } },
  tls: { certificate: '/etc/{region}.pem', key: 'secret:tls-key' },
};

test('a document is what a file with that content is, hash included', () => {
  const accepted = acceptDocument(structuredClone(document), 'a revision');
  const file = parseConfig(JSON.stringify(document), '/etc/meridian/m.yaml');
  assert.deepEqual(accepted.config, file.config);
  assert.deepEqual(accepted.document, document);
  assert.equal(accepted.revision, file.revision);
  assert.throws(() => Object.assign(accepted.config.ports, { http: 1 }), TypeError);
});

test('what a file became when it was loaded can be sent and accepted elsewhere', () => {
  const file = parseConfig(
    JSON.stringify({ ...document, geo: { database: 'g.mmdb' } }),
    '/x/m.yaml',
  );
  const sent = acceptDocument(JSON.parse(JSON.stringify(file.input)), 'a revision');
  assert.deepEqual(sent.config, file.config);
});

test('names of files that start from nowhere are refused, with every other issue', () => {
  const wrong = {
    ...document,
    tls: { certificate: 'c.pem', key: '../k.pem' },
    geo: { database: 'secret:geo' },
    regoins: {},
  };
  assert.throws(() => acceptDocument(wrong, 'revision 3'), {
    code: 'config_invalid',
    message: [
      'revision 3: tls.certificate: expected an absolute name of a file or "secret:NAME", got "c.pem"',
      'revision 3: tls.key: expected an absolute name of a file or "secret:NAME", got "../k.pem"',
      'revision 3: geo.database: expected an absolute name of a file, got "secret:geo"',
      'revision 3: regoins: unknown field; did you mean "regions"?',
    ].join('\n'),
  });
});

test('anything at all is refused with a typed error', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const hostile = JSON.parse('{"__proto__": {"regions": {}}, "tls": null}');
  for (const value of [undefined, null, 1, 'text', [], {}, cyclic, hostile, { tls: [] }]) {
    assert.throws(() => acceptDocument(value, 'x'), { code: 'config_invalid', message: /^x: / });
  }
});
