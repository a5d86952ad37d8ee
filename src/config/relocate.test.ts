import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relocate } from './relocate.ts';

const document = {
  regions: {
    'eu-west-1': { address: '127.0.2.1', bind: '127.0.2.9' },
    'us-east-1': { address: '10.0.0.1', nodes: { a: { address: '127.0.1.1', bind: '10.0.0.2' } } },
  },
  services: {
    rates: {
      endpoints: {
        'eu-west-1': ['127.0.2.1:8101', { address: '127.0.2.1:8102', weight: 3 }],
        'us-east-1': ['rates.internal:80'],
      },
    },
    outside: { endpoints: { 'eu-west-1': ['127.0.0.1:3000'] } },
  },
  zones: {
    'exchange.test': {
      records: [
        { name: 'www', type: 'A', values: ['127.0.2.1', '192.0.2.1'] },
        { name: 'api', type: 'A', answers: [{ region: 'eu-west-1', values: ['127.0.2.1'] }] },
        { name: 'note', type: 'TXT', values: ['127.0.2.1'] },
      ],
    },
  },
  stack: { services: { rates: { command: ['node', 'rates.ts'] } }, storePorts: { hub: 5000 } },
};

test('every port of the stack moves, those left to their defaults too', () => {
  const moved = relocate(document, { portOffset: 100, loopback: 0 }) as typeof document & {
    ports: unknown;
  };
  assert.deepEqual(moved.ports, { http: 8180, https: 8543, dns: 5400, admin: 9100, link: 9543 });
  assert.deepEqual(moved.stack.storePorts, {
    leaf: 4322,
    hub: 5100,
    cluster: 6322,
    leafnodes: 7522,
  });
  assert.deepEqual(moved.services.rates.endpoints, {
    'eu-west-1': ['127.0.2.1:8201', { address: '127.0.2.1:8202', weight: 3 }],
    'us-east-1': ['rates.internal:180'],
  });
});

test('listeners move, and not the port that clients from outside are sent to', () => {
  const listeners = { http: { redirect: { port: 443 } }, partners: { port: 8444 } };
  const moved = relocate({ ...document, listeners }, { portOffset: 100, loopback: 0 });
  assert.deepEqual((moved as { listeners: unknown }).listeners, {
    http: { redirect: { port: 443 } },
    partners: { port: 8544 },
  });
});

test('addresses in 127.0/16 move, others and texts stay', () => {
  const moved = relocate(document, { portOffset: 0, loopback: 7 }) as typeof document;
  assert.deepEqual(moved.regions, {
    'eu-west-1': { address: '127.7.2.1', bind: '127.7.2.9' },
    'us-east-1': { address: '10.0.0.1', nodes: { a: { address: '127.7.1.1', bind: '10.0.0.2' } } },
  });
  assert.deepEqual(moved.services.rates.endpoints['eu-west-1'], [
    '127.7.2.1:8101',
    { address: '127.7.2.1:8102', weight: 3 },
  ]);
  const [www, api, note] = moved.zones['exchange.test'].records;
  assert.deepEqual(www?.values, ['127.7.2.1', '192.0.2.1']);
  assert.deepEqual(api?.answers, [{ region: 'eu-west-1', values: ['127.7.2.1'] }]);
  assert.deepEqual(note?.values, ['127.0.2.1']);
  assert.deepEqual(moved.stack, document.stack);
});

test('where browsers reach the regions of a stack moves too, names stay', () => {
  const regions = { eu: 'http://127.0.2.1:8080', us: 'https://us.example.com:8443', ap: 7 };
  const moved = relocate(
    { ...document, latency: { beacon: { regions } } },
    { portOffset: 100, loopback: 9 },
  ) as { latency: unknown };
  assert.deepEqual(moved.latency, {
    beacon: { regions: { ...regions, eu: 'http://127.9.2.1:8180' } },
  });
});

test('endpoints of a service that the stack does not start stay where they are', () => {
  const moved = relocate(document, { portOffset: 100, loopback: 7 }) as typeof document;
  assert.deepEqual(moved.services.outside, document.services.outside);
});

test('the document given is not changed, and nothing to do gives it back', () => {
  const before = structuredClone(document);
  relocate(document, { portOffset: 1, loopback: 1 });
  assert.deepEqual(document, before);
  assert.equal(relocate(document, { portOffset: 0, loopback: 0 }), document);
});

test('every port out of range is named at once', () => {
  assert.throws(() => relocate(document, { portOffset: 57_100, loopback: 0 }), {
    code: 'relocation_out_of_range',
    message:
      'ports.https: 8443 moved by 57100 is not a port; ports.admin: 9000 moved by 57100 is not a port; ' +
      'ports.link: 9443 moved by 57100 is not a port',
  });
  assert.throws(() => relocate(document, { portOffset: -5_300, loopback: 0 }), {
    message: /^ports\.dns: 5300 moved by -5300 is not a port; .*storePorts\.leaf: 4222/,
  });
  for (const loopback of [-1, 256, 1.5]) {
    assert.throws(() => relocate(document, { portOffset: 0, loopback }), {
      code: 'relocation_out_of_range',
    });
  }
});

test('a malformed document is left for the validation to name', () => {
  for (const malformed of [null, 'text', [], { regions: 3, services: [], zones: { a: null } }]) {
    assert.doesNotThrow(() => relocate(malformed, { portOffset: 5, loopback: 5 }));
  }
});
