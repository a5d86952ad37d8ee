import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ConfigInput, configSchema } from '../config/schema/config.ts';
import { checkKey } from '../store/names.ts';
import { isSecretName, secretName, secretReferences } from './reference.ts';

const regions = {
  eu: { address: '127.0.2.1', location: { latitude: 5, longitude: 0 } },
  us: { address: '127.0.2.2', location: { latitude: 5, longitude: 80 } },
};
const config = (more: Partial<ConfigInput>) => configSchema.parse({ regions, ...more });

test('a reference is told from a path, and its name is checked', () => {
  assert.equal(secretName('secret:tls.eu-west-1.key'), 'tls.eu-west-1.key');
  assert.equal(secretName('secrets/key.pem'), undefined);
  assert.equal(secretName('./secret:a'), undefined);
  for (const text of [
    'secret:',
    'secret:A',
    'secret: a',
    'secret:../a',
    'secret:a..b',
    'secret:a.',
  ]) {
    assert.throws(() => secretName(text), { code: 'secret_name_invalid' });
  }
});

test('every name of a secret is a key of the store', () => {
  const name = fc.string({ unit: fc.constantFrom(...'ab0.-'), minLength: 1, maxLength: 70 });
  let valid = 0;
  fc.assert(
    fc.property(name, (text) => {
      if (!isSecretName(text)) return;
      valid++;
      checkKey(text);
    }),
    { numRuns: 1_000 },
  );
  assert.ok(valid > 20, `${valid} were names`);
});

test('a region needs the secrets that its configuration names, each once', () => {
  const named = config({
    tls: { certificate: 'secret:tls.cert', key: 'secret:tls.{region}.key' },
    identity: {
      authority: 'secret:ca',
      certificate: '/etc/meridian/{region}.pem',
      key: 'secret:tls.{region}.key',
    },
  });
  assert.deepEqual(secretReferences(named, 'eu'), ['ca', 'tls.cert', 'tls.eu.key']);
  assert.deepEqual(secretReferences(named, 'us'), ['ca', 'tls.cert', 'tls.us.key']);
  assert.deepEqual(secretReferences(config({}), 'eu'), []);
});

test('a name that none can have is refused, also when only the region makes it so', () => {
  const long = config({ tls: { certificate: 'a.pem', key: `secret:${'a'.repeat(62)}{region}` } });
  assert.throws(() => secretReferences(long, 'eu'), { code: 'secret_name_invalid' });
});
