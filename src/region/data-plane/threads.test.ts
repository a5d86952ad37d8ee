import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../base/clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { noMaterial } from '../configuration/material.ts';
import type { ThreadData } from './thread-messages.ts';
import { KeptThread } from './threads.ts';

const directory = await mkdtemp(join(tmpdir(), 'meridian-threads-'));
after(() => rm(directory, { recursive: true }));

const config = configSchema.parse({
  regions: { here: { address: '127.0.0.1', location: { latitude: 1, longitude: 2 } } },
});

function mortal(name: string) {
  const portTaken = join(directory, name);
  const deaths: string[] = [];
  const warnings: string[] = [];
  const drained: number[] = [];
  const data: ThreadData = {
    generation: 1,
    thread: 0,
    config,
    own: { region: 'here', node: 'here', bind: '127.0.0.1' },
    serial: 1,
    bundle: undefined,
    healthBuffer: new SharedArrayBuffer(8),
    metricsBuffer: new SharedArrayBuffer(8),
    material: noMaterial,
    sessionSecret: undefined,
    accessLogPath: portTaken,
    shifts: [],
    transferred: {},
  };
  const handlers = {
    onFrame: () => undefined,
    onWarning: (message: string) => void warnings.push(message),
    onDeath: (_role: string, _index: number, reason: string) => void deaths.push(reason),
    onDrained: (_role: string, _index: number, generation: number) => void drained.push(generation),
  };
  const entry = new URL('./testdata/mortal-thread.ts', import.meta.url);
  const thread = new KeptThread('gateway', 0, data, handlers, systemClock, entry);
  return { thread, data, portTaken, deaths, warnings, drained };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, what);
    await delay(5);
  }
}

test('a thread that dies is replaced, and told again to drain', async () => {
  const { thread, deaths, warnings } = mortal('replaced');
  await thread.start();
  try {
    thread.drain(true);
    await until('it drains', () => warnings.length === 1);
    thread.reopenLogs(); // it dies of that
    await until('its death', () => deaths.length === 1 && !thread.serving);
    assert.deepEqual(deaths, ['a defect']);
    await until('another serves', () => thread.serving);
    await until('that drains too', () => warnings.length === 2);
  } finally {
    await thread.close();
  }
  assert.deepEqual([thread.serving, deaths.length], [false, 1]); // being closed is no death
});

test('a replacement that cannot start is tried again until it can', async () => {
  const { thread, portTaken, deaths } = mortal('taken');
  await thread.start();
  try {
    await writeFile(portTaken, '');
    thread.reopenLogs();
    await until('two tries', () => deaths.length >= 3);
    assert.deepEqual(deaths.slice(0, 3), ['a defect', 'port taken', 'port taken']);
    assert.equal(thread.serving, false);
    await rm(portTaken);
    await until('it serves', () => thread.serving);
  } finally {
    await thread.close();
  }
});

test('a first start that fails rejects with the cause, and is not tried again', async () => {
  const { thread, portTaken, deaths } = mortal('first');
  await writeFile(portTaken, '');
  await assert.rejects(thread.start(), { code: 'address_in_use', message: 'port taken' });
  await rm(portTaken);
  await delay(300);
  assert.deepEqual([thread.serving, deaths], [false, []]);
  await thread.close();
});

test('closing ends the wait for a replacement', async () => {
  const { thread, portTaken, deaths } = mortal('closed');
  await thread.start();
  await writeFile(portTaken, '');
  thread.reopenLogs();
  await until('its death', () => deaths.length === 1);
  await thread.close();
  await rm(portTaken);
  await delay(300);
  assert.deepEqual([thread.serving, deaths.length], [false, 1]);
});

test('a generation is prepared, then committed; what is replaced starts with it', async () => {
  const { thread, data, deaths, drained, warnings } = mortal('swapped');
  await thread.start();
  try {
    const next = { ...data, generation: 2 };
    await thread.prepare(next);
    thread.commit(next);
    await until('the old one ended', () => drained.length === 1);
    thread.reopenLogs();
    await until('its death', () => deaths.length === 1);
    await until('another serves', () => thread.serving);
    assert.deepEqual(warnings, ['began with 2']);
  } finally {
    await thread.close();
  }
});

test('what cannot be prepared rejects with its code, and is not started with', async () => {
  const { thread, data, deaths, warnings } = mortal('refusing');
  await thread.start();
  try {
    const impossible = { ...data, generation: 13 };
    await assert.rejects(thread.prepare(impossible), { code: 'bad_zone', message: 'impossible' });
    thread.abandon(13);
    thread.reopenLogs();
    await until('it died', () => deaths.length === 1);
    await until('another serves', () => thread.serving);
    assert.deepEqual(warnings, []);
  } finally {
    await thread.close();
  }
});

test('a thread that dies while it prepares refuses, and begins with what is committed', async () => {
  const { thread, data, warnings } = mortal('dying');
  await thread.start();
  try {
    const deadly = { ...data, generation: 666 };
    await assert.rejects(thread.prepare(deadly), { code: 'thread_failed' });
    const next = { ...data, generation: 2 };
    thread.commit(next);
    await until('it began anew', () => warnings.includes('began with 2') && thread.serving);
  } finally {
    await thread.close();
  }
});
