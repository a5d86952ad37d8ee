import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { cutMessage, RawOrigin } from '../../test/support/raw-origin.ts';

/** Lines and endings on which parsers are known to disagree, among ordinary ones. */
const line = fc.constantFrom(
  'Content-Length: 4',
  'Content-Length: 0',
  'Content-Length: 04',
  'Content-Length : 4',
  'Content-Length: 4, 4',
  'content_length: 4',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: Chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding : chunked',
  ' Transfer-Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Connection: Transfer-Encoding',
  'Connection: keep-alive, close',
  'Host: b',
  'X: y',
  'X: \ry',
  'Expect: 100-continue',
  'Upgrade: h2c',
);
const ending = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n');
const method = fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'get', 'HEAD');
const version = fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2');
const body = fc.constantFrom(
  '',
  'abcd',
  '0\r\n\r\n',
  '4\r\nabcd\r\n0\r\n\r\n',
  '4;x\r\nabcd\r\n0\r\nT: v\r\n\r\n',
  '4\nabcd\n0\n\n',
  '0x4\r\nabcd\r\n0\r\n\r\n',
  'GET /inner HTTP/1.1\r\nHost: a\r\n\r\n',
);

const plain = fc.constant('GET /p HTTP/1.1\r\nHost: a\r\n\r\n');
const odd = fc
  .record({
    method,
    version,
    lines: fc.array(fc.tuple(line, ending), { maxLength: 3 }),
    ending,
    body,
  })
  .map((r) => {
    const lines = r.lines.map(([text, end]) => text + end).join('');
    return `${r.method} /p ${r.version}\r\nHost: a\r\n${lines}${r.ending}${r.body}`;
  });
/** Of 300 lists some 75 begin with a plain one: fewer than 50 accepted is no chance. */
const request = fc.oneof({ weight: 3, arbitrary: odd }, { weight: 1, arbitrary: plain });

test('the origin sees exactly the requests that were accepted, whatever is sent', async () => {
  await using origin = await RawOrigin.listen();
  await using started = await startGateway({ config: oneRegion(origin.port) });
  const { port, log, defects } = started;
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), async (requests) => {
      const seenBefore = origin.requests.length;
      const loggedBefore = log.length;
      using client = await RawClient.connect(port);
      client.socket.end(requests.join(''), 'latin1');
      await client.rest();
      client.close();
      const logged = log.slice(loggedBefore);
      const whole = logged.filter(({ upstream, status }) => upstream && Number(status) === 200);
      const seen = origin.requests.slice(seenBefore);
      assert.deepEqual(
        seen.map(({ head }) => head.split(' ').slice(0, 2).join(' ')),
        whole.map((entry) => `${entry.method} ${entry.path}`),
      );
      for (const { head } of seen)
        assert.match(head, /^[A-Za-z]+ \/(p|inner) HTTP\/1\.1\r\nHost: [ab]\r\n/);
    }),
    { numRuns: 300 },
  );
  for (const bytes of origin.received) {
    let rest = bytes;
    for (let message = cutMessage(rest); message; message = cutMessage(rest)) rest = message.rest;
    // What is not a whole message is one that was cut off, and nothing followed it.
    assert.ok((rest.match(/ HTTP\/1\.1\r\n/g) ?? []).length <= 1, rest);
  }
  assert.ok(origin.requests.length > 50, 'the generator makes valid requests as well');
  assert.deepEqual(defects, []);
});
