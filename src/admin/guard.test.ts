import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from './answer.ts';
import { createGuard } from './guard.ts';

const codeOf = (refusal: Answer | undefined) => refusal && JSON.parse(String(refusal.body)).code;

test('only loopback addresses may ask', () => {
  const guard = createGuard('token');
  for (const address of ['127.0.0.1', '127.0.1.1', '127.255.255.254', '::1', '::ffff:127.0.0.1']) {
    assert.equal(guard.refuseReading(address, '127.0.0.1'), undefined, address);
  }
  for (const address of [
    '10.0.0.1',
    '128.0.0.1',
    '::2',
    'fe80::1',
    '::ffff:10.0.0.1',
    '',
    undefined,
  ]) {
    assert.equal(codeOf(guard.refuseReading(address, '127.0.0.1')), 'loopback_only', address);
  }
});

test('the Host field must be an address or localhost', () => {
  const guard = createGuard('token');
  for (const host of [
    '127.0.1.1:9000',
    '127.0.1.1',
    'localhost:9000',
    'LOCALHOST',
    '[::1]:9000',
    '[::1]',
  ]) {
    assert.equal(guard.refuseReading('127.0.0.1', host), undefined, host);
  }
  for (const host of [
    undefined,
    '',
    'evil.example',
    'evil.example:9000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1:9000:1',
    '::1',
    '[evil]',
    'localhost:x',
  ]) {
    assert.equal(codeOf(guard.refuseReading('127.0.0.1', host)), 'foreign_host', host);
  }
});

test('changes need the very token', () => {
  const guard = createGuard('s3cret-Token_1.2~+/==');
  assert.equal(guard.refuseChange('Bearer s3cret-Token_1.2~+/=='), undefined);
  assert.equal(guard.refuseChange('bearer  s3cret-Token_1.2~+/=='), undefined);
  for (const wrong of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cret-Token_1.2~+/=',
    'Bearer s3cret-Token_1.2~+/== x',
    'Basic s3cret-Token_1.2~+/==',
    's3cret-Token_1.2~+/==',
  ]) {
    assert.equal(codeOf(guard.refuseChange(wrong)), 'token_required', wrong);
  }
});

test('a refusal does not tell the token', () => {
  const refusal = createGuard('s3cret').refuseChange('Bearer gu3ss');
  assert.ok(!JSON.stringify(refusal).includes('s3cret'));
  assert.ok(!JSON.stringify(refusal).includes('gu3ss'));
});

test('without a token nothing can be changed', () => {
  for (const token of [undefined, '']) {
    const guard = createGuard(token);
    assert.equal(codeOf(guard.refuseChange('Bearer ')), 'changes_disabled');
    assert.equal(codeOf(guard.refuseChange('Bearer undefined')), 'changes_disabled');
  }
});
