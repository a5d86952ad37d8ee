import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchange } from '../testdata/exchange.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, typeName } from '../wire/records/registry.ts';
import { exportZone } from './export.ts';
import { formatProblems } from './problems.ts';
import { checkZoneFile } from './zone-file.ts';

const { config } = createExchange({
  'steered.test': {
    file: 's.zone',
    contents: { 's.zone': '$TTL 60\nplain A 192.0.2.1\n' },
    records: [
      {
        name: 'weights',
        type: 'A',
        routing: 'weighted',
        answers: [
          { values: ['192.0.2.11'], weight: 0 },
          { values: ['192.0.2.12'], weight: 1 },
          { values: ['192.0.2.13'], weight: 9 },
        ],
      },
      {
        name: 'pair',
        type: 'A',
        routing: 'failover',
        answers: [
          { region: 'eu-west-1', role: 'secondary', values: ['192.0.2.21'] },
          { region: 'us-east-1', role: 'primary', values: ['192.0.2.22', '192.0.2.23'] },
        ],
      },
      {
        name: 'area',
        type: 'A',
        routing: 'geolocation',
        answers: [
          { location: { country: 'DE' }, values: ['192.0.2.31'] },
          { default: true, values: ['192.0.2.32'] },
        ],
      },
      {
        name: 'nowhere',
        type: 'A',
        routing: 'geolocation',
        answers: [{ location: { country: 'DE' }, values: ['192.0.2.41'] }],
      },
      { name: 'near', type: 'A', routing: 'latency', service: 'rates' },
    ],
  },
});

test('steered record sets are those of a client without location, all healthy', () => {
  assert.equal(
    exportZone(config, 'Steered.test.', 42),
    `$ORIGIN steered.test.
$TTL 3600
@		IN	SOA	ns-us-east-1.steered.test. hostmaster.steered.test. 42 3600 300 604800 5
@		IN	NS	ns-eu-west-1.steered.test.
@		IN	NS	ns-us-east-1.steered.test.
@		IN	NS	ns-ap-southeast-1.steered.test.
area	10	IN	A	192.0.2.32
near	10	IN	A	127.0.1.1
ns-ap-southeast-1		IN	A	127.0.3.1
ns-eu-west-1		IN	A	127.0.2.1
ns-us-east-1		IN	A	127.0.1.1
pair	10	IN	A	192.0.2.22
pair	10	IN	A	192.0.2.23
plain	60	IN	A	192.0.2.1
weights	10	IN	A	192.0.2.12
`,
  );
});

test('every zone of the configuration reads back as a zone without problems', () => {
  for (const name of Object.keys(config.zones)) {
    const text = exportZone(config, name, 42);
    const { zone, problems } = checkZoneFile({ file: name, text });
    const told = formatProblems(problems.filter(({ severity }) => severity === 'error'));
    assert.equal(told, '', name);
    assert.equal(zone?.apex.key, parseName(name).key);
    for (const { type, records } of [...zone!.nodes.values()].flat()) {
      for (const data of records.map(rdataBytes)) {
        assert.ok(formatRdata(type, data, 0, data.length) !== '', typeName(type));
      }
    }
  }
});

test('a zone that is not there is told, with those that are', () => {
  assert.throws(() => exportZone(config, 'a.steered.test', 1), {
    code: 'bad_lookup',
    message: 'there is no zone a.steered.test, only exchange.test, second.test, steered.test',
  });
});
