import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { draftOfConfig } from '../config/draft.ts';
import { type ConfigInput, configSchema } from '../config/schema/config.ts';
import { aliasesLeadToRecordSets } from '../config/semantics/aliases.ts';
import { recordSetsAreValid } from '../config/semantics/records.ts';
import { compileTopology } from '../config/topology.ts';
import { HealthTable, healthy, unhealthy, unknown } from '../health/table.ts';
import { choose } from '../steering/choose.ts';
import { type Candidate, pathOf } from '../steering/explain.ts';
import { octetLocator } from '../steering/testdata/three-regions.ts';
import { parseSubnet } from './client/subnet.ts';
import { explainDns } from './explain.ts';
import { compileDnsData, type DnsDataOptions } from './server/data.ts';
import { parseName } from './wire/name.ts';
import { a } from './wire/records/a.ts';
import { resolve } from './zone/resolve.ts';

type RecordSetInput = NonNullable<NonNullable<ConfigInput['zones']>[string]['records']>[number];
type SetInput = Omit<RecordSetInput, 'name' | 'type'>;

interface Case {
  readonly rules: readonly number[];
  readonly down?: readonly string[];
  readonly unknown?: readonly string[];
  readonly failing?: readonly string[];
  readonly client?: string;
  readonly chance?: number;
  readonly scope?: number;
  readonly answers: readonly string[];
  readonly reason: string;
  /** `us-east-1, weight 2, healthy; healthy: chosen` */
  readonly candidates?: readonly string[];
}

interface Table {
  readonly rules: Readonly<Record<number, string>>;
  readonly latency: ConfigInput['latency'];
  readonly cases: readonly (Case & Readonly<Record<string, SetInput>>)[];
}

const path = join(import.meta.dirname, '../steering/testdata/evaluation-rules.yaml');
const table = parse(readFileSync(path, 'utf8'), { merge: true }) as Table;
const caseFields = new Set([
  ...[
    'rules',
    'down',
    'unknown',
    'failing',
    'client',
    'chance',
    'scope',
    'answers',
    'reason',
    'candidates',
  ],
]);

function optionsOf(one: Table['cases'][number]): DnsDataOptions {
  const names = Object.keys(one).filter((field) => !caseFields.has(field));
  const config = configSchema.parse({
    regions: {
      'us-east-1': { address: '127.0.1.1', location: { latitude: 38.9, longitude: -77.4 } },
      'eu-west-1': { address: '127.0.2.1', location: { latitude: 53.3, longitude: -6.3 } },
      'ap-southeast-1': { address: '127.0.3.1', location: { latitude: 1.35, longitude: 103.8 } },
    },
    latency: table.latency,
    checks: {
      first: { type: 'tcp', host: 'first.test', port: 80 },
      second: { type: 'tcp', host: 'second.test', port: 80 },
    },
    zones: { 'rules.test': { records: names.map((name) => ({ ...one[name], name, type: 'A' })) } },
  });
  const problems: string[] = [];
  const draft = draftOfConfig(config, config);
  for (const rule of [recordSetsAreValid, aliasesLeadToRecordSets]) {
    rule(draft, ({ message }) => problems.push(message));
  }
  assert.deepEqual(problems, []);
  const topology = compileTopology(config);
  const states = new HealthTable(topology);
  for (const { index, name } of topology.regions) {
    const isUnknown = one.unknown?.includes(name);
    states.setGateway(index, one.down?.includes(name) ? unhealthy : isUnknown ? unknown : healthy);
  }
  for (const { index, name } of topology.checks) {
    states.setCheck(index, one.failing?.includes(name) ? unhealthy : healthy);
  }
  const locator = octetLocator;
  return { config, topology, region: 'us-east-1', states, locator, serial: 1 };
}

/** As the name server answers, with a chance that is given. */
function answerTo(options: DnsDataOptions, client: string | undefined, chance: number) {
  const { zones, steering } = compileDnsData(options);
  const subnet = client === undefined ? undefined : parseSubnet(client);
  const network = subnet && { address: subnet.address, prefixBits: subnet.sourceBits };
  const { key } = parseName('api.rules.test');
  const { steps, scopeBits } = resolve(zones, key, a.code, (set) =>
    choose(set, network, steering, chance),
  );
  const [step] = steps;
  assert.ok(step?.choice && step.set.steering);
  return {
    answers: step.records.map(({ tail }) => tail.join('.')),
    reason: pathOf(step.set.steering.set, step.choice).join(' → '),
    scopeBits,
  };
}

function describeCandidate({ alias, region, weight, usable, why }: Candidate): string {
  return `${alias ?? region}, weight ${weight}, ${usable}; ${why}`;
}

describe('evaluation rules', () => {
  for (const [number, rule] of Object.entries(table.rules)) {
    const cases = table.cases.filter(({ rules }) => rules[0] === Number(number));
    test(`${number}: ${rule}`, () => {
      assert.ok(cases.length > 0);
      for (const one of cases) {
        const options = optionsOf(one);
        const place = JSON.stringify(one);
        const { answers, reason, scopeBits } = answerTo(options, one.client, one.chance ?? 0);
        assert.deepEqual({ answers, reason }, { answers: one.answers, reason: one.reason }, place);
        if (one.scope !== undefined) assert.equal(scopeBits, one.scope, place);
        if (one.chance) continue;
        const explained = explainDns(options, 'api.rules.test', 'A', one.client ?? '0.0.0.0/0');
        assert.equal(explained.rule, one.reason, place);
        const { candidates = [] } = explained.steps[0]?.steering ?? {};
        assert.ok(candidates.length > 0);
        if (one.candidates) assert.deepEqual(candidates.map(describeCandidate), one.candidates);
      }
    });
  }
});
