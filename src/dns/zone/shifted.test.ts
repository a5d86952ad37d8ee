import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigInput } from '../../config/schema/config.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { type Subject, weightsOf } from '../../steering/shifts/subject.ts';
import { explainDns } from '../explain.ts';
import { compileDnsData } from '../server/data.ts';
import { QueryOrigin } from '../server/query-origin.ts';
import { Responder } from '../server/responder.ts';
import { createExchange, oracle } from '../testdata/exchange.ts';
import { decodeMessage } from '../wire/message.ts';

const zones: ConfigInput['zones'] = {
  'w.test': {
    records: [
      {
        name: 'api',
        type: 'A',
        routing: 'weighted',
        evaluate: 'none',
        answers: [
          { region: 'eu-west-1', values: ['192.0.2.1'], weight: 200 },
          { region: 'us-east-1', values: ['192.0.2.2'], weight: 50 },
          { region: 'ap-southeast-1', values: ['192.0.2.3'], weight: 0 },
        ],
      },
      { name: '@', type: 'ALIAS', target: 'api' },
      { name: 'near', type: 'A', routing: 'latency' },
    ],
  },
};
const exchange = createExchange(zones);
const { options } = exchange;
const output = Buffer.alloc(65_535);
const record: Subject = { kind: 'record', name: 'api.w.test', type: 'A' };

function towards(subject: Subject, to: string, share: number): AppliedShift {
  return { subject, to, share, basis: weightsOf(subject, exchange.config)!.basis };
}

/** The share that each address has of the answers, with evenly spread chance. */
function shares(responder: Responder, name: string, chance: { value: number }, from?: number) {
  const counts = new Map<string, number>();
  const many = 2_000;
  const query = oracle.encode({ type: 'query', questions: [{ name, type: 'A', class: 'IN' }] });
  for (let asked = 0; asked < many; asked++) {
    chance.value = (asked + 0.5) / many;
    const address = from === undefined ? '198.51.100.1' : `${from}.${asked >> 8}.${asked & 255}.9`;
    const length = responder.respond(query, query.length, new QueryOrigin('tcp', address), output);
    const [answer] = decodeMessage(Buffer.from(output.subarray(0, length))).answers;
    counts.set(answer!.data, (counts.get(answer!.data) ?? 0) + 1);
  }
  const found = [...counts].map(([data, count]) => [data, count / many] as const);
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function world() {
  const chance = { value: 0 };
  const responder = new Responder(compileDnsData(options), { random: () => chance.value });
  return {
    responder,
    shares: (name: string, from?: number) => shares(responder, name, chance, from),
  };
}

test('answers follow each step of a shift, those of an ALIAS too', () => {
  const { responder, shares } = world();
  assert.deepEqual(shares('api.w.test'), { '192.0.2.1': 0.8, '192.0.2.2': 0.2 });
  for (const share of [0.01, 0.25, 0.5]) {
    responder.useShifts([towards(record, 'ap-southeast-1', share)]);
    for (const name of ['api.w.test', 'w.test']) {
      const found = shares(name);
      assert.ok(Math.abs(found['192.0.2.3']! - share) < 0.001, `${name} at ${share}`);
      assert.ok(Math.abs(found['192.0.2.1']! / found['192.0.2.2']! - 4) < 0.05);
    }
  }
  responder.useShifts([towards(record, 'ap-southeast-1', 1)]);
  assert.deepEqual(shares('api.w.test'), { '192.0.2.3': 1 });
  responder.useShifts([]);
  assert.deepEqual(shares('api.w.test'), { '192.0.2.1': 0.8, '192.0.2.2': 0.2 });
});

test('a shift stays over new data, and falls with the weights that it was begun on', () => {
  const { responder, shares } = world();
  responder.useShifts([towards(record, 'ap-southeast-1', 0.5)]);
  responder.replace(compileDnsData({ ...options, serial: 2 }));
  assert.ok(Math.abs(shares('api.w.test')['192.0.2.3']! - 0.5) < 0.001);
  responder.useShifts([{ ...towards(record, 'ap-southeast-1', 0.5), basis: 'of other weights' }]);
  assert.deepEqual(shares('api.w.test'), { '192.0.2.1': 0.8, '192.0.2.2': 0.2 });
});

test('of a region that is drained by weight clients go one by one, in every record set', () => {
  const { responder, shares } = world();
  const drain = (share: number) =>
    responder.useShifts([towards({ kind: 'region', region: 'us-east-1' }, 'us-east-1', share)]);
  assert.deepEqual(shares('near.w.test', 10), { '127.0.1.1': 1 });
  drain(0.5);
  assert.ok(Math.abs(shares('near.w.test', 10)['127.0.1.1']! - 0.5) < 0.04);
  assert.ok(Math.abs(shares('api.w.test')['192.0.2.2']! - 0.1) < 0.02);
  drain(0);
  assert.equal(shares('near.w.test', 10)['127.0.1.1'], undefined);
  assert.deepEqual(shares('api.w.test'), { '192.0.2.1': 1 });
});

test('the explanation has the weights that hold', () => {
  const shifts = [towards(record, 'ap-southeast-1', 0.25)];
  const { steps } = explainDns({ ...options, shifts }, 'api.w.test', 'A', '198.51.100.1');
  const weights = steps[0]?.steering?.candidates.map(({ weight }) => weight);
  assert.deepEqual(
    weights?.map((weight) => Math.round((weight ?? 0) * 1_000)),
    [600, 150, 250],
  );
});
