import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { DnsMetrics } from './dns-metrics.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import type { NodeFigures } from './node-metrics.ts';
import { ProcessMeter } from './process-meter.ts';
import { renderMetrics } from './render-metrics.ts';

const node: NodeFigures = {
  region: 'eu-west-1',
  node: 'eu-west-1-a',
  version: '0.1.0',
  revision: {
    hash: 'abc',
    sequence: 7,
    ageSeconds: 12.5,
    source: 'file',
    staleForSeconds: 4.5,
    appliedInSeconds: 0.25,
    refused: { sequence: 8, reason: 'port taken' },
    pendingRestart: ['threads.gateway: 2 → 4'],
  },
  store: {
    reachable: false,
    outOfReachForSeconds: 3,
    buckets: [
      { name: 'config', leader: 'hub-eu', quorum: true, lagMs: 250, lagMessages: 2 },
      { name: 'acks', leader: undefined, quorum: false, lagMs: undefined, lagMessages: undefined },
      { name: 'new', leader: undefined, quorum: true, lagMs: Infinity, lagMessages: 0 },
    ],
  },
  regions: [
    {
      name: 'eu-west-1',
      gateway: { state: 'healthy', flaps: 0 },
      draining: true,
      addresses: [
        { address: '127.0.2.1', state: 'healthy' },
        { address: '127.0.2.2', state: 'unhealthy' },
      ],
    },
    {
      name: 'us-east-1',
      gateway: { state: 'unhealthy', flaps: 2 },
      draining: false,
      addresses: [],
    },
    { name: 'witness-1', gateway: { state: 'unknown', flaps: 0 }, draining: false, addresses: [] },
  ],
  services: [
    {
      name: 'rates',
      region: 'eu-west-1',
      state: 'healthy',
      flaps: 4,
      endpoints: [
        { address: '10.0.0.1:80', state: 'unhealthy', ejected: true, breaker: 'open' },
        { address: '10.0.0.2:80', state: 'healthy', ejected: false, breaker: 'halfOpen' },
        { address: '10.0.0.3:80', state: 'unknown', ejected: false, breaker: 'closed' },
      ],
    },
  ],
  checks: [
    { name: 'web', state: 'unhealthy', since: '1970-01-01T00:00:01.500Z', flaps: 3 },
    { name: 'new', state: 'unknown', since: undefined, flaps: 0 },
  ],
  exclusive: [
    { name: 'ledger', active: true, activeRegion: 'eu-west-1', token: 41, changes: 2 },
    { name: 'idle', active: false, activeRegion: undefined, token: undefined, changes: 0 },
  ],
};

function render(t: { after(run: () => void): void }, shown = node): string {
  const meter = new ProcessMeter();
  t.after(() => meter.close());
  const gateway = new GatewayMetrics({
    routes: ['a'],
    regions: ['eu-west-1', 'us-east-1'],
    listeners: ['http', 'https', 'link'],
    services: ['s'],
    endpoints: [{ service: 's', region: 'eu-west-1', endpoint: 'a:1' }],
    problems: ['overloaded'],
  });
  const figures = { service: 0, durationMs: 4, bytesIn: 1, bytesOut: 1 };
  gateway.request({ route: 0, status: 200, ...figures });
  gateway.request({ route: -1, status: 404, ...figures });
  gateway.response(0, 200, 3);
  gateway.refused('overloaded');
  gateway.connectionOpened('https');
  const dns = new DnsMetrics();
  dns.query('udp', 1, 0, 0.1);
  return renderMetrics({ node: shown, process: meter.read(), gateway: [gateway], dns: [dns] });
}

test('states, store and configuration of the node', (t) => {
  const lines = render(t).split('\n');
  for (const line of [
    'meridian_node_info{region="eu-west-1",node="eu-west-1-a",version="0.1.0"} 1',
    'meridian_configuration_info{revision="abc",source="file"} 1',
    'meridian_configuration_sequence 7',
    'meridian_configuration_age_seconds 12.5',
    'meridian_configuration_stale_seconds 4.5',
    'meridian_configuration_refused 1',
    'meridian_configuration_restart_pending 1',
    'meridian_configuration_apply_seconds 0.25',
    'meridian_store_reachable 0',
    'meridian_store_bucket_quorum{bucket="config"} 1',
    'meridian_store_bucket_quorum{bucket="acks"} 0',
    'meridian_store_bucket_leader_info{bucket="config",leader="hub-eu"} 1',
    'meridian_store_bucket_lag_seconds{bucket="config"} 0.25',
    'meridian_store_bucket_lag_seconds{bucket="new"} +Inf',
    'meridian_store_bucket_lag_messages{bucket="config"} 2',
    'meridian_address_state{region="eu-west-1",address="127.0.2.1"} 1',
    'meridian_address_state{region="eu-west-1",address="127.0.2.2"} 0',
    'meridian_store_out_of_reach_seconds 3',
    'meridian_check_state{check="web"} 0',
    'meridian_check_state{check="new"} -1',
    'meridian_check_last_change_timestamp_seconds{check="web"} 1.5',
    'meridian_check_state_changes_total{check="web"} 3',
    'meridian_exclusive_active{exclusive="ledger"} 1',
    'meridian_exclusive_active{exclusive="idle"} 0',
    'meridian_exclusive_active_region_info{exclusive="ledger",region="eu-west-1"} 1',
    'meridian_exclusive_token{exclusive="ledger"} 41',
    'meridian_exclusive_changes_total{exclusive="ledger"} 2',
    'meridian_gateway_state{region="eu-west-1"} 1',
    'meridian_gateway_state{region="us-east-1"} 0',
    'meridian_gateway_state{region="witness-1"} -1',
    'meridian_gateway_state_changes_total{region="us-east-1"} 2',
    'meridian_region_draining{region="eu-west-1"} 1',
    'meridian_service_state{service="rates",region="eu-west-1"} 1',
    'meridian_service_state_changes_total{service="rates",region="eu-west-1"} 4',
    'meridian_endpoint_ejected{service="rates",region="eu-west-1",endpoint="10.0.0.1:80"} 1',
    'meridian_endpoint_breaker_state{service="rates",region="eu-west-1",endpoint="10.0.0.1:80"} 2',
    'meridian_endpoint_breaker_state{service="rates",region="eu-west-1",endpoint="10.0.0.2:80"} 1',
    'meridian_endpoint_breaker_state{service="rates",region="eu-west-1",endpoint="10.0.0.3:80"} 0',
    'meridian_endpoint_state{service="rates",region="eu-west-1",endpoint="10.0.0.1:80"} 0',
    'meridian_endpoint_state{service="rates",region="eu-west-1",endpoint="10.0.0.3:80"} -1',
  ]) {
    assert.ok(lines.includes(line), `${line} is missing`);
  }
});

test('what nobody knows at the moment is left out', (t) => {
  const { staleForSeconds, appliedInSeconds, ...revision } = node.revision;
  const unknown = { ...revision, staleForSeconds: undefined, appliedInSeconds: undefined };
  const text = render(t, { ...node, revision: unknown });
  assert.doesNotMatch(text, /configuration_(stale|apply)_seconds|lag_\w+\{bucket="acks"|undefined/);
  assert.match(text, /^meridian_configuration_age_seconds 12.5$/m);
});

test('the figures of the process are those of this process', (t) => {
  const beforeSeconds = Date.now() / 1_000;
  const text = render(t);
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  assert.ok(value('process_cpu_seconds_total') > 0);
  assert.ok(value('process_resident_memory_bytes') > 10e6);
  const readAt = value('process_start_time_seconds') + value('meridian_uptime_seconds');
  assert.ok(readAt > beforeSeconds - 5 && readAt < Date.now() / 1_000 + 5);
});

test('every family has one head, and its samples follow it', (t) => {
  const seen = new Set<string>();
  let family = '';
  for (const line of render(t).trimEnd().split('\n')) {
    if (line.startsWith('# HELP ')) {
      family = line.split(' ')[2] ?? '';
      assert.ok(!seen.has(family), `${family} comes twice`);
      seen.add(family);
    } else if (!line.startsWith('#')) {
      const name = /^[a-z_]+/.exec(line)?.[0].replace(/_(bucket|sum|count)$/, '');
      assert.equal(name, family);
    }
  }
});

const promtool = spawnSync('promtool', ['--version']);
const skip = promtool.error && 'promtool is not installed';

test('promtool finds nothing to say', { skip }, (t) => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: render(t),
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [0, '', '']);
});
