import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import type { ConfigInput } from '../../config/schema/config.ts';
import { serialiseAnswer } from '../exchange/answers.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { EditedFields } from './field-editor.ts';
import type { Policy, PolicyRequest, PolicyResponse } from './policy.ts';
import { RoutedRequest } from './routed-request.ts';
import { ownAnswerOf, runRequest, runResponse } from './run.ts';

const plugin = fileURLToPath(new URL('./testdata/tenant.ts', import.meta.url));

type Policies = NonNullable<NonNullable<ConfigInput['routes']>[number]['policies']>;

/** A gateway with one route under policies, its origin and a client. */
async function world(policies: Policies, limits = {}) {
  const origin = await RawOrigin.listen();
  const config: ConfigInput = {
    ...oneRegion(origin.port),
    plugins: { tenant: plugin },
    routes: [{ name: 'r', pattern: '/t/:tenant', service: 's', policies }],
  };
  const started = await startGateway({ config, limits }).catch(async (error: unknown) => {
    await origin.close();
    throw error;
  });
  const client = await RawClient.connect(started.port);
  return {
    origin,
    client,
    ...started,
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
    },
  };
}

const get = (query = '', fields = '') => `GET /t/acme${query} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const tenant = (mode: string): Policies => [
  { type: 'plugin', plugin: 'tenant', options: { header: 'X-Tenant', mode } },
];

test('the headers policy changes both ways, whatever Connection names', async () => {
  await using w = await world([
    {
      type: 'headers',
      request: { set: { 'X-Set': 'ours' }, add: { 'X-Add': 'two' }, remove: ['X-Gone'] },
      response: { set: { 'Strict-Transport-Security': 'max-age=9' }, remove: ['Server'] },
    },
  ]);
  w.origin.respond = (_, socket) =>
    void socket.write(okResponse('ok', 'Server: x\r\nConnection: strict-transport-security\r\n'));
  const response = await w.client.request(
    get(
      '',
      'X-Set: theirs\r\nx-set: again\r\nX-Add: one\r\nX-Gone: x\r\nConnection: x-set, X-Keep\r\n',
    ),
  );
  const { head } = w.origin.requests[0]!;
  assert.deepEqual(head.match(/^X-(Set|Add|Gone):.*$/gim), [
    'X-Add: one',
    'X-Set: ours',
    'X-Add: two',
  ]);
  assert.match(response.head, /^Strict-Transport-Security: max-age=9\r$/m);
  assert.doesNotMatch(response.head, /^Server:/m);
});

test('a service cannot pass the response policies by marks of a gateway', async () => {
  await using w = await world([{ type: 'headers', response: { remove: ['Server'] } }]);
  w.origin.respond = (_, socket) =>
    void socket.write(okResponse('ok', 'Server: x\r\nMeridian-Problem: upstream_closed\r\n'));
  const { head } = await w.client.request(get());
  assert.doesNotMatch(head, /^(Server|Meridian-Problem):/m);
});

test('an answer that has no body cannot bring one: it would be read as the next response', () => {
  for (const status of [204, 304]) {
    assert.throws(() => ownAnswerOf({ status, body: 'é' }), { code: 'policy_answer_invalid' });
    assert.equal(ownAnswerOf({ status }).body, '');
  }
  const headers = { 'content-type': 'a/b' };
  const context = { requestId: 'r', region: 'eu', wallMs: 0, headOnly: false };
  const answer = (status: number, body?: string) =>
    serialiseAnswer(ownAnswerOf({ status, headers, ...(body && { body }) }), context, true, 1);
  assert.doesNotMatch(answer(304), /^content-length:/im);
  assert.deepEqual(answer(200, 'x').match(/^content-type: .*$/gim), ['content-type: a/b']);
});

test('no spelling of a field passes for one that a policy sets or leaves out', async () => {
  await using w = await world([
    { type: 'headers', request: { set: { 'X-Tenant': 'ours' }, remove: ['X-Admin'] } },
  ]);
  await w.client.request(get('', 'X_Tenant: a\r\nx.tenant: b\r\nX_Admin: 1\r\nX-Tenants: c\r\n'));
  const { head } = w.origin.requests[0]!;
  assert.deepEqual(head.match(/^x.(tenant|admin).*$/gim), ['X-Tenants: c', 'X-Tenant: ours']);
});

test('nor does a trailer', async () => {
  await using w = await world([
    {
      type: 'headers',
      request: { set: { 'X-Tenant': 'ours' } },
      response: { remove: ['X-Debug'] },
    },
  ]);
  const trailers = (...names: string[]) =>
    `1\r\na\r\n0\r\n${names.map((name) => `${name}: t\r\n`).join('')}\r\n`;
  w.origin.respond = (_, socket) => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    socket.write(head + trailers('X-Kept', 'x_debug'));
  };
  w.client.send(
    `POST /t/acme HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${trailers('X_Tenant', 'X-Kept')}`,
  );
  await w.client.until('X-Kept: t\r\n\r\n');
  assert.doesNotMatch(w.client.received, /debug/i);
  assert.match(w.origin.received[0]!, /\r\n0\r\nX-Kept: t\r\n\r\n$/);
});

test('policies see no field that only a gateway may tell, and no other policy acts for nobody', async () => {
  const exchange = {
    head: { fields: ['A', '1', 'X-Real-IP', '9', 'x_forwarded_for', '9', 'B', '2'] },
  };
  const routed = new RoutedRequest(exchange as unknown as Exchange, {});
  assert.deepEqual(routed.headers.kept, ['A', '1', 'B', '2']);
  let acted = 0;
  const request = { ended: false } as unknown as PolicyRequest & { ended: boolean };
  const gone = Promise.withResolvers<undefined>();
  const waiting = { onRequest: () => gone.promise, onResponse: () => gone.promise };
  const acting = { onRequest: () => void acted++, onResponse: () => void acted++ };
  const outcomes = [
    runRequest([waiting, acting as Policy], request),
    runResponse([waiting, acting as Policy], {} as PolicyResponse, request),
  ];
  request.ended = true;
  gone.resolve(undefined);
  await Promise.all(outcomes);
  assert.equal(acted, 0);
});

test('a plugin waits, edits, and sees the response; the body that came meanwhile is not lost', async () => {
  await using w = await world(tenant('ok'));
  const body = 'x'.repeat(100_000);
  const response = await w.client.request(
    `POST /t/acme HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.equal(response.status, 200);
  assert.match(response.head, /^X-Served-For: acme\r$/m);
  assert.equal(response.body, 'ok');
  assert.match(w.origin.requests[0]!.head, /^X-Tenant: acme\r$/m);
  assert.equal(w.origin.requests[0]!.body, body);
});

test('a large response that policies hold for a moment comes whole', async () => {
  await using w = await world(tenant('ok'));
  const body = 'y'.repeat(300_000);
  w.origin.respond = (_, socket) => void socket.write(okResponse(body));
  assert.equal((await w.client.request(get())).body, body);
  assert.equal((await w.client.request(get())).body, body);
});

test('an answer of a policy ends the request, and the connection lives', async () => {
  await using w = await world(tenant('ok'));
  const denied = await w.client.request(get('?deny'));
  assert.equal(denied.status, 403);
  assert.equal(Buffer.from(denied.body, 'latin1').toString(), 'not né');
  assert.match(denied.head, /^X-Why: tenant\r$/m);
  assert.equal(w.origin.requests.length, 0);
  assert.equal((await w.client.request(get())).status, 200);
});

test('nor is one of a response that interim ones came before', async () => {
  for (const mode of ['response-throw', 'response-late']) {
    await using w = await world(tenant(mode), { policyMs: 50 });
    w.origin.respond = (_, socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
      setTimeout(() => socket.write(okResponse(okResponse('forged'))), 20);
    };
    assert.equal((await w.client.request(get())).status, 103);
    const response = await w.client.response();
    assert.equal(response.status, 500, mode);
    assert.match(response.body, /"policy_failed"/);
  }
});

test('a policy that throws or is late is never passed over', async () => {
  for (const mode of ['throw', 'late']) {
    await using w = await world(tenant(mode), { policyMs: 50 });
    const response = await w.client.request(get());
    assert.equal(response.status, 500, mode);
    assert.match(response.body, /"policy_failed"/);
    assert.equal(w.origin.requests.length, 0);
    assert.equal(w.defects.length, 1);
  }
});

test('a client that leaves while a policy is waited for ends the exchange', async () => {
  await using w = await world(tenant('late'));
  w.client.send(get());
  await new Promise((resolve) => setImmediate(resolve));
  w.client.socket.resetAndDestroy();
  while (w.log.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(w.log[0]!.status, 499);
});

test('options that a plugin refuses keep the gateway from starting, naming the place', async () => {
  await assert.rejects(world([{ type: 'plugin', plugin: 'tenant', options: {} }]), {
    code: 'policy_invalid',
    message: /routes\[0\]\.policies\[0\]: header is needed/,
  });
});

test('what the gateway writes itself is not for policies, and nothing splits a message', () => {
  const fields = new EditedFields(['A', '1', 'a', '2']);
  for (const name of [
    'Host',
    'content-length',
    'X_Request_Id',
    'X-Forwarded-For',
    'Meridian-Hop',
  ]) {
    assert.throws(() => fields.set(name, 'x'), { code: 'field_not_editable' }, name);
    assert.throws(() => fields.delete(name), { code: 'field_not_editable' }, name);
  }
  for (const [name, value] of [
    ['A b', 'x'],
    ['A', 'x\r\nB: y'],
    ['', 'x'],
    ['A', new Error('x\r\nB: y') as unknown as string],
  ] as const) {
    assert.throws(() => fields.add(name, value), { code: 'unsafe_head' }, name);
  }
  assert.deepEqual(fields.all('a'), ['1', '2']);
  fields.set('a', '3');
  fields.add('A', '4');
  assert.deepEqual(fields.all('A'), ['3', '4']);
  assert.deepEqual(fields.kept, []);
  assert.equal(fields.lines, 'a: 3\r\nA: 4\r\n');
});
