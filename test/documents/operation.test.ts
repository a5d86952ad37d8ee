import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../src/config/schema/config.ts';
import { isProblemCode, problems } from '../../src/gateway/exchange/problems.ts';
import { defaultFloodBudgets } from '../../src/gateway/http2/session/floods.ts';
import { defaultGatewayLimits } from '../../src/gateway/limits.ts';
import { formatAccessEntry } from '../../src/observability/access-entry.ts';
import { closeCauses } from '../../src/observability/gateway-layout.ts';
import { metricsPage } from '../../tools/reference/metrics-page.ts';
import { guidePaths, isBlock, partsOf, tableUnder } from './markdown.ts';

const page = 'docs/guides/operation.md';
const location = { latitude: 0, longitude: 0 };
const { limits } = configSchema.parse({ regions: { a: { address: '192.0.2.1', location } } });

const inWords = {
  bytes: (bytes: number) => `${bytes / 1024} KiB`,
  ms: (ms: number) => `${ms / 1_000} s`,
};

/** The defaults of `limits`, as the page writes them. */
const written: Readonly<Record<string, string>> = {
  requestLine: inWords.bytes(limits.requestLine),
  fieldCount: String(limits.fieldCount),
  fieldBytes: inWords.bytes(limits.fieldBytes),
  body: limits.body === undefined ? 'none' : inWords.bytes(limits.body),
  headTimeout: inWords.ms(limits.headTimeout),
  bodyTimeout: inWords.ms(limits.bodyTimeout),
  writeTimeout: inWords.ms(limits.writeTimeout),
  idleTimeout: inWords.ms(limits.idleTimeout),
  streams: String(limits.streams),
};

test('every limit is told with its default, its answer and what counts it', () => {
  const { rows } = tableUnder(page, 'limit');
  const told = new Set<string>();
  const causes = new Set<string>();
  for (const [what, value, setBy, answer, cause] of rows) {
    const [, status, code] = /^(\d{3}) `(\w+)`$/.exec(answer!) ?? [];
    if (code !== undefined) {
      assert.ok(isProblemCode(code), `${what}: ${code}`);
      assert.equal(String(problems[code].status), status, what);
    } else assert.match(answer!, /^(closed|GOAWAY|RST_STREAM \(\w+\)|)$/, what);
    for (const [, name] of setBy!.matchAll(/`limits\.(\w+)`/g)) {
      assert.equal(value, written[name!], `${what}: limits.${name}`);
      told.add(name!);
    }
    for (const [, name] of cause!.matchAll(/`(\w+)`/g)) causes.add(name!);
  }
  assert.deepEqual([...told].sort(), Object.keys(written).sort());
  for (const row of tableUnder(page, 'flood').rows) causes.add(row[3]!.replaceAll('`', ''));
  assert.deepEqual([...causes].sort(), [...closeCauses].sort());
  assert.equal(defaultGatewayLimits.policyMs, 10_000);
  assert.equal(defaultGatewayLimits.upstreamConnections, 1_024);
});

test('the floods of HTTP/2 are told with their budgets', () => {
  const told = tableUnder(page, 'flood').rows.flatMap(([, burst, perSecond, cause]) => {
    const name = cause!.replaceAll('`', '');
    const number = (cell: string) => Number(cell.replace(',', ''));
    return name === 'continuations'
      ? []
      : [[name, { burst: number(burst!), perSecond: number(perSecond!) }]];
  });
  assert.deepEqual(Object.fromEntries(told), defaultFloodBudgets);
});

test('every problem that a guide names is one, with its status', () => {
  let count = 0;
  for (const path of guidePaths()) {
    const rows = partsOf(path).flatMap((part) => (isBlock(part) ? [] : part.rows));
    for (const cell of rows.flat()) {
      for (const [, status, code] of cell.matchAll(/\b([45]\d\d) `(\w+_\w+)`/g)) {
        assert.ok(isProblemCode(code!), `${path}: ${code}`);
        assert.equal(String(problems[code].status), status, `${path}: ${code}`);
        count++;
      }
    }
  }
  assert.ok(count >= 30, `${count} were found`);
});

test('every metric that a guide names is shown', async () => {
  const shown = new Set((await metricsPage.render()).match(/meridian_\w+/g));
  const named = partsOf(page).flatMap((part) => (isBlock(part) ? [] : part.rows.flat()));
  const names = named.flatMap((cell) => cell.match(/\bmeridian_\w+/g) ?? []);
  assert.ok(names.length > 10);
  assert.deepEqual(
    names.filter((name) => !shown.has(name)),
    [],
  );
});

test('every field of the access log is told', () => {
  const line = formatAccessEntry({
    ...{ timeMs: 0, requestId: 'r', traceId: 't', client: 'c', listener: 'l', version: '1.1' },
    ...{ method: 'GET', host: 'h', path: '/', route: 'r', service: 's', region: 'g' },
    ...{ upstream: 'u', status: 200, bytesIn: 1, bytesOut: 1, durationMs: 1, hop: 0, retries: 0 },
    error: 'e',
  });
  const table = partsOf(page).find((part) => !isBlock(part) && part.rows[0]?.[0] === '`time`');
  const told = (isBlock(table!) ? [] : table!.rows).flatMap(([fields]) =>
    [...fields!.matchAll(/`(\w+)`/g)].map((match) => match[1]!),
  );
  assert.deepEqual(told, Object.keys(JSON.parse(line) as object));
});
