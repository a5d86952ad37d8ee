import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TlsPolicyName, tlsPolicy } from '../../src/gateway/listener/tls-policy.ts';
import { tableUnder } from './markdown.ts';

test('the table of TLS policies says what they are', () => {
  const { rows } = tableUnder('docs/guides/tls.md', '`policy`');
  assert.equal(rows.length, 2);
  for (const [named, versions, ciphers] of rows) {
    const policy = tlsPolicy(/`(\w+)`/.exec(named!)![1] as TlsPolicyName);
    const [least, most = least] = versions!.split(', ').map((version) => version.replace(' ', 'v'));
    assert.deepEqual([policy.minVersion, policy.maxVersion], [least, most]);
    assert.deepEqual(ciphers!.replaceAll('`', '').split(', '), policy.ciphers!.split(':'));
  }
});
