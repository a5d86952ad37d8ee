import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CookieSecret } from './cookie-secret.ts';

const hexOf = (secret: Uint8Array) => Buffer.from(secret).toString('hex');
const identity = { ca: 'a', cert: 'c', key: 'k' };

test('nodes agree on the secret by what they share, and else each has its own', () => {
  const here = new CookieSecret();
  const there = new CookieSecret();
  const named = { dnsCookieSecret: 'sixteen or more!' };
  assert.equal(
    hexOf(here.of({ ...named, identity })),
    hexOf(there.of({ ...named, identity: undefined })),
  );
  assert.equal(hexOf(here.of({ identity })), hexOf(there.of({ identity })));
  assert.notEqual(hexOf(here.of({ identity })), hexOf(here.of({ ...named, identity })));
  const alone = hexOf(here.of({ identity: undefined }));
  assert.equal(alone, hexOf(here.of({ identity: undefined })));
  assert.notEqual(alone, hexOf(there.of({ identity: undefined })));
  assert.equal(here.of({ identity }).length, 32);
});
