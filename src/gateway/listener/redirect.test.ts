import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';

const host = '127.0.0.1';

test('a listener that redirects sends everybody to the same place over TLS, and serves its own health', async () => {
  const config = oneRegion(1);
  const listen = {
    http: { host, port: 0, redirect: { port: 443 } },
    other: { host, port: 0, redirect: { port: 8443 } },
  };
  await using w = await startGateway({ config, listen });
  const cases: [request: string, location: string][] = [
    ['GET /a/b?c=d%20e', 'https://a.test/a/b?c=d%20e'],
    ['POST /x', 'https://a.test/x'],
    ['HEAD /', 'https://a.test/'],
    ['GET /a/../b/./c', 'https://a.test/b/c'],
    ['GET http://a.test:8080/absolute', 'https://a.test/absolute'],
  ];
  using client = await RawClient.connect(w.port);
  for (const [request, location] of cases) {
    const authority = request.includes('http:') ? 'a.test:8080' : 'A.test';
    const { status, head } = await client.request(
      `${request} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`,
    );
    assert.equal(status, 308);
    assert.match(
      head,
      new RegExp(`^Location: ${location.replace(/[.?]/g, '\\$&')}\r$`, 'm'),
      request,
    );
  }
  using other = await RawClient.connect(w.gateway.ports.other!);
  const ported = await other.request('GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n');
  assert.match(ported.head, /^Location: https:\/\/\[::1\]:8443\/x\r$/m);
  const health = await other.request('GET /.meridian/health HTTP/1.1\r\nHost: a.test\r\n\r\n');
  assert.equal(health.status, 200);
  other.send('GET / HTTP/1.0\r\n\r\n');
  assert.equal((await other.response()).status, 400);
});
