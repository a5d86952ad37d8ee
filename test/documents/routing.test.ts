import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from '../support/gateways.ts';
import { RawClient, type SeenResponse } from '../support/raw-client.ts';
import { RawOrigin } from '../support/raw-origin.ts';
import { configOf } from './example-config.ts';
import { type Block, isBlock, partsOf } from './markdown.ts';

interface Row {
  readonly config: Block;
  readonly request: string;
  readonly outcome: string;
}

/** The tables of requests, each with the example above it. */
function rowsOf(path: string): Row[] {
  const rows: Row[] = [];
  let config: Block | undefined;
  for (const part of partsOf(path)) {
    if (isBlock(part)) config = part.language === 'yaml' ? part : config;
    else if (part.heading[0] === 'request') {
      for (const [request, outcome] of part.rows) {
        rows.push({ config: config!, request: request!, outcome: outcome! });
      }
    }
  }
  return rows;
}

/** `METHOD host/target`, and a header field behind `with`. */
function message(request: string): string {
  const [line, field = ''] = [...request.matchAll(/`([^`]*)`/g)].map((match) => match[1]!);
  const [, method, host, target] = /^([A-Z]+) ([^/]+)(\/.*)$/.exec(line!)!;
  return `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${field && `${field}\r\n`}\r\n`;
}

/** What a row says: a status that is not 200, a code, and the route, path, place or methods. */
function expected(outcome: string) {
  return {
    status: Number(/\b[345]\d\d\b/.exec(outcome)?.[0] ?? 200),
    code: /`([a-z]+(?:_[a-z]+)+)`/.exec(outcome)?.[1],
    route: /^`([^`]+)`/.exec(outcome)?.[1],
    path: /gets `([^`]+)`/.exec(outcome)?.[1],
    location: /to `([^`]+)`/.exec(outcome)?.[1],
    allow: /Allow: (.*)$/.exec(outcome)?.[1],
  };
}

function field(response: SeenResponse, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(response.head)?.[1];
}

test('the requests of the page on routing get what it says', async () => {
  const rows = rowsOf('docs/guides/routing.md');
  assert.ok(rows.length >= 50, `${rows.length} requests were found`);
  await using origin = await RawOrigin.listen();
  for (const config of new Set(rows.map((row) => row.config))) {
    const all = configOf(config, `127.0.0.1:${origin.port}`);
    await using gateway = await startGateway({ config: all, region: 'eu-west-1' });
    for (const { request, outcome } of rows.filter((row) => row.config === config)) {
      const wanted = expected(outcome);
      using client = await RawClient.connect(gateway.port);
      const response = await client.request(message(request));
      const seen = {
        status: response.status,
        code: wanted.code && /"code":"([a-z_]+)"/.exec(response.body)?.[1],
        route: gateway.log.at(-1)!.route,
        path: wanted.path && /^\S+ (\S+)/.exec(origin.requests.at(-1)?.head ?? '')?.[1],
        location: field(response, 'location'),
        allow: field(response, 'allow'),
      };
      assert.deepEqual(seen, wanted, `${config.place}: ${request}`);
    }
  }
});
