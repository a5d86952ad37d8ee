import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority, issueServerCertificate } from '../link/authority.ts';
import { makeFolder } from '../stack/testdata/fake-stack.ts';
import { bodyOf, type ExchangeRequest, exchange } from './exchange.ts';

const folder = makeFolder();
const authority = await createAuthority(new Date());
writeFileSync(join(folder, 'ca.pem'), authority.cert);
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const send = (url: string, port: number, more: Partial<ExchangeRequest> = {}) =>
  exchange({
    method: 'GET',
    url: new URL(url),
    address: '127.0.0.1',
    port,
    authority: join(folder, 'ca.pem'),
    headers: {},
    data: undefined,
    timeoutSeconds: 5,
    ...more,
  });

test('https to a port for HTTP, and the reverse, are said to be that', async () => {
  const http = await listen(createHttpServer((_, response) => response.end()));
  await assert.rejects(send('https://a.test/', http), {
    code: 'request_failed',
    message: `127.0.0.1:${http}: does not speak TLS; is it the port for HTTP? Then ask for http://`,
  });
  const pair = await issueServerCertificate(authority, ['a.test'], [], new Date());
  const https = await listen(createTlsServer(pair));
  await assert.rejects(send('http://a.test/', https), {
    code: 'request_failed',
    message: /closed the connection without a response; is it the port for HTTPS\?/,
  });
});

test('a response that is cut in its middle is said to be that', async () => {
  const port = await listen(
    createServer((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    }),
  );
  const { message } = await send('http://a.test/', port);
  const parts: string[] = [];
  await assert.rejects(
    async () => {
      for await (const part of bodyOf(message)) parts.push(part);
    },
    { code: 'response_cut', message: /in the middle of the response, after 4 characters/ },
  );
  assert.equal(parts.join(''), 'half');
});

test('a body is JSON where it is, and what the user says of it goes before', async () => {
  let seen: IncomingHttpHeaders = {};
  const port = await listen(
    createHttpServer((request, response) => {
      seen = request.headers;
      response.end();
    }),
  );
  const typeOf = async (data: string, headers: Record<string, string[]> = {}) => {
    await send('http://a.test/', port, { method: 'POST', data, headers });
    return seen['content-type'];
  };
  assert.equal(await typeOf('{"a":1}'), 'application/json');
  assert.equal(await typeOf('plain words'), undefined);
  assert.equal(await typeOf('{}', { 'content-type': ['text/plain'] }), 'text/plain');
  await send('http://a.test/', port, { headers: { 'x-one': ['1', '2'], host: ['other.test'] } });
  assert.deepEqual([seen['x-one'], seen.host], ['1, 2', 'other.test']);
});
