import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { createExchange, oracle } from '../testdata/exchange.ts';
import { createPatientClient } from '../testdata/patient-client.ts';
import { compileDnsData } from './data.ts';
import { Responder } from './responder.ts';
import { UdpListener } from './udp.ts';

async function listen(t: TestContext) {
  let answered = 0;
  const listener = await UdpListener.open({
    host: '127.0.0.1',
    port: 0,
    reusePort: false,
    responder: new Responder(compileDnsData(createExchange().options)),
    onAnswered: () => void answered++,
    clock: new ManualClock(),
  });
  t.after(() => listener.close());
  const client = createPatientClient({ server: '127.0.0.1', port: listener.port });
  t.after(() => client.close());
  return { listener, client, answered: () => answered };
}

const question = { name: 'static.exchange.test', type: 'A' };
const query = oracle.encode({ id: 1, questions: [question] });

test('response buffers come back: after answers, and after what is not answered', async (t) => {
  const { listener, client, answered } = await listen(t);
  const silent = Buffer.from(query);
  silent[2] = 0x80;
  const remote = { address: '127.0.0.1', port: 9 };
  for (let count = 0; count < 2_000; count++) listener.receive(silent, remote);
  assert.equal(answered(), 0);
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.lookup(question)));
    assert.ok(answers.every((answer) => answer.answers.length === 2));
  }
  assert.equal(answered(), 2_000);
});

test('what the kernel does not take is dropped beyond a bound, not queued without end', async (t) => {
  const { listener, client, answered } = await listen(t);
  const sink = createSocket('udp4');
  t.after(() => sink.close());
  sink.bind(0, '127.0.0.1');
  await once(sink, 'listening');
  // Responses leave on the next tick, so within this one none does.
  const remote = { address: '127.0.0.1', port: sink.address().port };
  for (let count = 0; count < 5_000; count++) listener.receive(query, remote);
  assert.equal(answered(), 512);
  assert.equal((await client.lookup(question)).answers.length, 2);
});

test('a query from port 0, which only a forger has, is left alone', async (t) => {
  const { listener, client, answered } = await listen(t);
  listener.receive(query, { address: '127.0.0.1', port: 0 });
  assert.equal(answered(), 0);
  assert.equal((await client.lookup(question)).answers.length, 2);
});
