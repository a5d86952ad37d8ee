import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alternatives,
  configJsonSchema,
  type JsonSchema,
} from '../../src/config/schema/json-schema.ts';
import { dataProblems } from '../../src/data/server/problems.ts';
import { dataErrorsPage } from '../../tools/reference/data-errors-page.ts';
import { metricsPage } from '../../tools/reference/metrics-page.ts';

test('every field of the configuration says what it means', () => {
  const silent: string[] = [];
  let count = 0;
  const look = (schema: JsonSchema, path: string) => {
    for (const form of alternatives(schema)) {
      for (const [name, field] of Object.entries(form.properties ?? {})) {
        count++;
        if ((field.description ?? '').length < 10) silent.push(`${path}.${name}`);
        look(field, `${path}.${name}`);
      }
      if (form.items) look(form.items, `${path}[]`);
      if (typeof form.additionalProperties === 'object') {
        look(form.additionalProperties, `${path}.NAME`);
      }
    }
  };
  look(configJsonSchema(), '');
  assert.deepEqual(silent, []);
  assert.ok(count > 300, `${count} fields were looked at`);
});

test('every error of the data API has a row: when it comes, and what to do', async () => {
  const page = await dataErrorsPage.render();
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (true|false) \| (.*) \| (.*) \|$/gm)];
  assert.deepEqual(
    rows.map(([, code]) => code),
    Object.keys(dataProblems),
  );
  for (const [, code, , retryable, when, what] of rows) {
    assert.match(when!, /^[A-Z].{10,}\.$/, code);
    assert.match(what!, /^[A-Z].{10,}\.$/, code);
    const again = /\bagain\b|Retry-After|outcome/.test(what!);
    assert.ok(retryable === 'false' || again, `${code}: ${what}`);
  }
});

test('every label of a metric is told, and every metric says what it counts', async () => {
  const page = await metricsPage.render();
  const told = new Set<string>();
  for (const [, names] of page.matchAll(
    /^\| ((?:`\w+`(?:, )?)+) \| (?!counter|gauge|histogram)/gm,
  )) {
    for (const [, name] of names!.matchAll(/`(\w+)`/g)) told.add(name!);
  }
  const rows = [
    ...page.matchAll(/^\| `(meridian_\w+|process_\w+)` \| \w+ \| ([^|]*) \| (.*) \|$/gm),
  ];
  assert.ok(rows.length > 50);
  for (const [, metric, labels, help] of rows) {
    assert.match(help!, /^\w.{10,}\.$/, metric);
    for (const [, label] of labels!.matchAll(/`(\w+)`/g))
      assert.ok(told.has(label!), `${metric}: ${label}`);
  }
});
