import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { answerOf, Http2Client } from '../../../test/support/http2-client.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { configSchema } from '../../config/schema/config.ts';
import { explainRequest } from '../explain/explain.ts';
import { parseReport, type ReportRefusal } from './report.ts';

const regions = { eu: 'http://127.0.0.1:8080', us: 'http://127.0.0.2:8080' };
const report = (milliseconds: object, more: object = {}) =>
  JSON.stringify({ version: 1, milliseconds, ...more });

async function start(t: TestContext, beacon: object = {}) {
  const reported: { address: string; latencies: object }[] = [];
  const refused: ReportRefusal[] = [];
  const there = { address: '127.0.0.2', location: { latitude: 1, longitude: 2 } };
  const base = oneRegion(9);
  const config = {
    ...base,
    regions: { ...base.regions, us: there },
    accessLog: true,
    latency: { beacon: { regions, ...beacon } },
  };
  const started = await startGateway({
    config,
    listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    reports: {
      reported: (address, latencies) => void reported.push({ address, latencies }),
      refused: (reason) => void refused.push(reason),
    },
  });
  t.after(() => started[Symbol.asyncDispose]());
  const at = `http://127.0.0.1:${started.port}`;
  const send = (body: string | ReadableStream, init: RequestInit & { duplex?: 'half' } = {}) =>
    fetch(`${at}/.meridian/latency/report`, { method: 'POST', body, ...init });
  return { ...started, config: configSchema.parse(config), reported, refused, at, send };
}

test('the script, what is measured and where reports go', async (t) => {
  const { at, send, reported, log } = await start(t, { sample: 0.25 });
  const script = await fetch(`${at}/.meridian/latency/script.js`);
  assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
  const text = await script.text();
  new Function(text); // parses
  assert.match(text, /"eu":"http:\/\/127\.0\.0\.1:8080\/\.meridian\/latency\/probe"/);
  assert.match(text, /\? 0\.25 :/);

  const probe = await fetch(`${at}/.meridian/latency/probe?x`);
  for (const [name, value] of Object.entries({
    'timing-allow-origin': '*',
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': 'no-store',
  })) {
    assert.equal(probe.headers.get(name), value, name);
  }
  assert.equal(await probe.text(), 'ok');

  assert.equal((await send(report({ eu: 20, us: 90.5 }))).status, 204);
  const latencies = [
    ['eu', 20],
    ['us', 90.5],
  ];
  assert.deepEqual(reported, [{ address: '127.0.0.1', latencies }]);

  const parts = [report({ eu: 1, us: 2 }).slice(0, 9), report({ eu: 1, us: 2 }).slice(9)];
  const body = ReadableStream.from(parts.map((part) => Buffer.from(part)));
  assert.equal((await send(body, { duplex: 'half' })).status, 204);
  assert.equal(reported.length, 2, 'in pieces');
  assert.deepEqual(log, [], 'no log tells who measured');
});

test('what is no report is refused, by reason; nothing of it counts', async (t) => {
  const { at, send, reported, refused, log } = await start(t);
  const cases: [body: string, status: number, reason: ReportRefusal][] = [
    ['', 400, 'format'],
    ['{', 400, 'format'],
    ['[]', 400, 'format'],
    [report({ eu: 1, us: 2 }, { version: 2 }), 400, 'format'],
    [report({ eu: 1, us: 2 }, { network: '192.0.2.0/24' }), 400, 'format'],
    [report({ eu: 1, us: '2' }), 400, 'format'],
    [report([1, 2]), 400, 'format'],
    [report({ eu: 1, ap: 2 }), 400, 'region'],
    [report({ eu: 1, constructor: 2 }), 400, 'region'],
    [report({ eu: 1, us: 0 }), 400, 'implausible'],
    [report({ eu: 1, us: 5_001 }), 400, 'implausible'],
    [report({ eu: 1 }), 400, 'incomplete'],
    [report({ eu: 1, us: 2 }) + ' '.repeat(5_000), 413, 'too_large'],
  ];
  for (const [body, status, reason] of cases) {
    refused.length = 0;
    assert.equal((await send(body)).status, status, body);
    assert.deepEqual(refused, [reason], body);
  }
  const stream = ReadableStream.from([Buffer.alloc(3_000, 32), Buffer.alloc(3_000, 32)]);
  assert.equal((await send(stream, { duplex: 'half' })).status, 413);
  const asked = (path: string, method: string) =>
    fetch(`${at}/.meridian/latency/${path}`, { method }).then(({ status }) => status);
  assert.deepEqual(
    await Promise.all([asked('report', 'GET'), asked('probe', 'POST'), asked('other', 'GET')]),
    [405, 405, 404],
  );
  assert.deepEqual([reported, log], [[], []]);
});

test('it is served where it is to be, and to whom', async (t) => {
  const { at, port, send, reported, refused } = await start(t, {
    path: '/rum',
    hosts: ['measure.test'],
    origins: ['https://www.example.com'],
  });
  const asked = (path: string) => fetch(`${at}${path}`).then(({ status }) => status);
  assert.deepEqual(
    await Promise.all([asked('/.meridian/latency/probe'), asked('/rum/probe')]),
    [404, 502],
    'another host: the route of the service, which is gone',
  );
  assert.equal((await send(report({ eu: 1, us: 2 }))).status, 404);
  const named = (origin: string) =>
    rawReport(port, `Host: measure.test\r\nOrigin: ${origin}\r\n`, report({ eu: 1, us: 2 }));
  assert.equal(await named('https://evil.example'), 204);
  assert.deepEqual([reported.length, refused], [0, ['origin']]);
  assert.equal(await named('https://www.example.com'), 204);
  assert.equal(reported.length, 1);
});

async function rawReport(port: number, fields: string, body: string): Promise<number> {
  const client = await RawClient.connect(port);
  client.send(
    `POST /rum/report HTTP/1.1\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  const { status } = await client.response();
  client.socket.destroy();
  return status;
}

test('explain says that the gateway answers it, where it does', async (t) => {
  const { config, health } = await start(t, { hosts: ['measure.test'] });
  const explain = (host: string) => {
    const url = `http://${host}/.meridian/latency/probe`;
    return explainRequest({ config, region: 'eu', health }, { method: 'GET', url }).outcome.kind;
  };
  assert.deepEqual([explain('measure.test'), explain('other.test')], ['gateway', 'problem']);
});

test('over HTTP/2 it is the same', async (t) => {
  const { port, reported, refused } = await start(t);
  using client = await Http2Client.connect(`http://127.0.0.1:${port}`);
  const send = (body: string) => {
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/.meridian/latency/report',
    });
    stream.write(body.slice(0, 9));
    stream.end(body.slice(9));
    return answerOf(stream).then(({ status }) => status);
  };
  assert.equal(await send(report({ eu: 20, us: 90.5 })), 204);
  assert.equal(await send(report({ eu: 20 })), 400);
  assert.equal(await send(report({ eu: 20, us: 90 }) + ' '.repeat(5_000)), 413);
  assert.deepEqual([reported.length, refused], [1, ['incomplete', 'too_large']]);
});

test('property: a report is read whatever it holds, and only what is plausible comes out', () => {
  const bounds = { regions: new Set(['eu', 'us', 'ap']), mostMs: 5_000 };
  const anyReport = fc.record(
    {
      version: fc.constantFrom<unknown>(1, 1, 1, 2, '1'),
      milliseconds: fc.dictionary(
        fc.constantFrom('eu', 'us', 'ap', '__proto__', 'toString', 'x'),
        fc.oneof(fc.double(), fc.integer({ min: -1, max: 6_000 }), fc.anything()),
      ),
    },
    { requiredKeys: [] },
  );
  const anyText = fc.oneof(
    anyReport.map((value) => JSON.stringify(value)),
    fc.string(),
    fc.json(),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const read = parseReport(Buffer.from(text), bounds);
      if (typeof read === 'string') return;
      assert.ok(read.length >= 2 && new Set(read.map(([region]) => region)).size === read.length);
      for (const [region, ms] of read)
        assert.ok(bounds.regions.has(region) && ms > 0 && ms <= 5_000);
    }),
    { numRuns: 3_000 },
  );
});
