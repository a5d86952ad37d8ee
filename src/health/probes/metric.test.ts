import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { type MetricCheckConfig, namedCheckSchema } from '../../config/schema/named-check.ts';
import { createProbe } from './create-probe.ts';
import { ProbedWorld, patience } from './testdata/probed-world.ts';

const world = new ProbedWorld();
after(() => world.close());
const { serve, answer } = world;

const probe = createProbe(systemClock);
const words = { true: 'ok', false: 'failed', undefined: 'nothing' } as const;

function outcome(port: number, options: object = { above: 1 }, path = ''): Promise<string> {
  const url = `http://127.0.0.1:${port}${path}`;
  const asked = { type: 'metric', url, query: 'a{b="c d"}' };
  const check = namedCheckSchema.parse({ ...asked, ...patience, ...options });
  const target = { key: 'k', host: '127.0.0.1', port, endpoints: [] };
  return new Promise((resolve) => {
    probe({ ...target, check: check as MetricCheckConfig }, (ok, detail) =>
      resolve(`${words[`${ok}`]}: ${detail}`),
    );
  });
}

const vector = (...values: string[]) => ({
  status: 'success',
  data: {
    resultType: 'vector',
    result: values.map((value) => ({ metric: { a: 'ß' }, value: [1_700_000_000.1, value] })),
  },
});

function answerWith(content: unknown): Promise<number> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const length = Buffer.byteLength(text);
  return answer(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`, text);
}

test('a value is on the right side of its limits, or not', async () => {
  const port = await answerWith(vector('5.5'));
  assert.equal(await outcome(port, { above: 5 }), 'ok: the value is 5.5');
  assert.equal(await outcome(port, { above: 5.5 }), 'failed: the value is 5.5, not above 5.5');
  assert.equal(await outcome(port, { below: 5 }), 'failed: the value is 5.5, not below 5');
  assert.equal(await outcome(port, { above: 5, below: 6 }), 'ok: the value is 5.5');
  const scalar = { status: 'success', data: { resultType: 'scalar', result: [1, '2'] } };
  assert.equal(await outcome(await answerWith(scalar)), 'ok: the value is 2');
  assert.equal(await outcome(await answerWith(vector('+Inf'))), 'ok: the value is Infinity');
});

test('no value, several, or none that is a number: nothing is said', async () => {
  const nothing = async (content: unknown) => outcome(await answerWith(content));
  assert.equal(await nothing(vector()), 'nothing: the query gives no value');
  assert.equal(
    await nothing(vector('1', '2')),
    'nothing: the query gives 2 values, where one is expected',
  );
  assert.equal(await nothing(vector('NaN')), 'nothing: the query gives no number');
  assert.equal(await nothing(vector('')), 'nothing: the query gives no number');
  assert.equal(await nothing({ status: 'error' }), 'nothing: the query was refused');
  const matrix = { status: 'success', data: { resultType: 'matrix', result: [] } };
  assert.equal(await nothing(matrix), 'nothing: the query gives no single value');
  for (const odd of ['<html>', 'null', '[]', '"x"', '{"status":"success","data":{"result":1}}']) {
    assert.match(await nothing(odd), /^nothing: (not an answer of|the query was refused)/, odd);
  }
});

test('a server of metrics that fails says nothing of what it measures', async () => {
  const failing = await answer('HTTP/1.1 503 Out\r\n\r\n');
  assert.equal(await outcome(failing), 'nothing: status 503');
  const refusing = await serve(() => undefined);
  world.stop(refusing);
  assert.equal(await outcome(refusing), 'nothing: connection refused');
  const silent = await serve(() => undefined);
  const limits = { timeout: '60ms', connectTimeout: '60ms', above: 1 };
  assert.equal(await outcome(silent, limits), 'nothing: no answer within 60 ms');
  const endless = await serve((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n\r\n${' '.repeat(70_000)}`);
  });
  assert.equal(await outcome(endless), 'nothing: not an answer of the Prometheus API');
});

test('the request asks the instant query of the API', async () => {
  let seen = '';
  const port = await serve((socket) => {
    socket.once('data', (bytes) => {
      seen = bytes.toString();
      socket.end('HTTP/1.1 200 OK\r\n\r\n{}');
    });
  });
  await outcome(port, { above: 1, headers: { Authorization: 'Bearer x' } }, '/prom/');
  assert.equal(
    seen,
    'GET /prom/api/v1/query?query=a%7Bb%3D%22c%20d%22%7D HTTP/1.1\r\n' +
      `Host: 127.0.0.1:${port}\r\nUser-Agent: meridian-probe\r\nAuthorization: Bearer x\r\n` +
      'Accept: application/json\r\nConnection: close\r\n\r\n',
  );
});
