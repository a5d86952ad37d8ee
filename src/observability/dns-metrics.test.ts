import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DnsMetrics, exposeDns } from './dns-metrics.ts';
import { Exposition } from './exposition.ts';

test('queries by transport, type and response code, summed over the threads', () => {
  const first = new DnsMetrics();
  const second = new DnsMetrics();
  first.query('udp', 1, 0, 0.03);
  second.query('udp', 1, 0, 0.3);
  second.query('tcp', 28, 5);
  second.query('udp', 0, 1);
  second.query('udp', 65_280, 16);
  second.query('udp', 1, 4_095);
  second.query('tls', 1, 23);
  first.cookie('valid');
  second.cookie('valid');
  second.cookie('new');
  first.limited('short', 1);
  second.limited('drop', 4);
  const exposition = new Exposition();
  exposeDns(exposition, [first, second]);
  const samples = exposition
    .text()
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  for (const line of [
    'meridian_dns_queries_total{transport="udp",type="A"} 3',
    'meridian_dns_queries_total{transport="udp",type="other"} 2',
    'meridian_dns_queries_total{transport="tcp",type="AAAA"} 1',
    'meridian_dns_responses_total{transport="udp",rcode="NOERROR"} 2',
    'meridian_dns_responses_total{transport="udp",rcode="FORMERR"} 1',
    'meridian_dns_responses_total{transport="udp",rcode="BADVERS"} 1',
    'meridian_dns_responses_total{transport="udp",rcode="other"} 1',
    'meridian_dns_responses_total{transport="tls",rcode="BADCOOKIE"} 1',
    'meridian_dns_cookies_total{verdict="valid"} 2',
    'meridian_dns_cookies_total{verdict="new"} 1',
    'meridian_dns_cookies_total{verdict="invalid"} 0',
    'meridian_dns_rate_limited_total{action="short",kind="answer"} 1',
    'meridian_dns_rate_limited_total{action="drop",kind="error"} 1',
    'meridian_dns_rate_limited_total{action="drop",kind="answer"} 0',
    'meridian_dns_responses_total{transport="tcp",rcode="REFUSED"} 1',
    'meridian_dns_query_duration_seconds_bucket{le="0.00005"} 1',
    'meridian_dns_query_duration_seconds_count 2',
  ]) {
    assert.ok(samples.includes(line), `${line} is not among\n${samples.join('\n')}`);
  }
});

test('the counts of a thread that ended go on in its successor', () => {
  const metrics = new DnsMetrics();
  metrics.query('udp', 1, 0);
  new DnsMetrics(metrics.buffer).query('udp', 1, 0);
  const exposition = new Exposition();
  exposeDns(exposition, [metrics]);
  assert.match(exposition.text(), /_queries_total\{transport="udp",type="A"\} 2\n/);
});
