import { DataApiCounters } from '../../src/data/server/counters.ts';
import { operations } from '../../src/data/server/operations.ts';
import { reportRefusals } from '../../src/gateway/beacon/report.ts';
import { problems } from '../../src/gateway/exchange/problems.ts';
import { type DataApiFigures, exposeDataApi } from '../../src/observability/data-metrics.ts';
import { DnsMetrics, dnsLabels, exposeDns } from '../../src/observability/dns-metrics.ts';
import { exposeGateway } from '../../src/observability/expose-gateway.ts';
import {
  Exposition,
  type HistogramSeries,
  type Sample,
} from '../../src/observability/exposition.ts';
import {
  closeCauses,
  failureKinds,
  httpVersions,
  withheldReasons,
} from '../../src/observability/gateway-layout.ts';
import { GatewayMetrics } from '../../src/observability/gateway-metrics.ts';
import type { BoundsMs } from '../../src/observability/histogram.ts';
import { exposeNode, type NodeFigures } from '../../src/observability/node-metrics.ts';
import { outsideStates } from '../../src/observability/outside-metrics.ts';
import { secondaryStates } from '../../src/observability/zone-metrics.ts';
import { otherRefusals } from '../../src/region/latency/measured-latency.ts';
import { shiftStates } from '../../src/shifts/shift.ts';
import { intakeRefusals } from '../../src/steering/latency/report-intake.ts';
import type { Generator } from './generator.ts';

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** Takes down what would be shown. */
class Recorder extends Exposition {
  readonly metrics: Metric[] = [];

  override counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#take(name, 'counter', help, samples[0]);
  }

  override gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#take(name, 'gauge', help, samples[0]);
  }

  override histogram(
    name: string,
    help: string,
    _bounds: BoundsMs,
    series: readonly HistogramSeries[],
  ): void {
    this.#take(name, 'histogram', help, series[0]);
  }

  #take(name: string, type: Metric['type'], help: string, first?: Sample | HistogramSeries): void {
    if (!first) throw new Error(`${name}: the page has no sample to read its labels from`);
    this.metrics.push({ name, type, labels: Object.keys(first[0]), help });
  }
}

const reportReasons = [...reportRefusals, ...intakeRefusals, ...otherRefusals];
const service = 's';
const region = 'r';

/** A node of which everything is known. */
const node: NodeFigures = {
  region,
  node: 'n',
  version: '1',
  revision: {
    hash: 'h',
    sequence: 1,
    ageSeconds: 1,
    source: 'file',
    staleForSeconds: 1,
    appliedInSeconds: 1,
    refused: undefined,
    pendingRestart: [],
  },
  store: {
    reachable: true,
    outOfReachForSeconds: 0,
    buckets: [{ name: 'b', leader: 'l', quorum: true, lagMs: 1, lagMessages: 1 }],
  },
  regions: [
    {
      name: region,
      gateway: { state: 'healthy', flaps: 0 },
      draining: false,
      addresses: [{ address: 'a', state: 'healthy' }],
    },
  ],
  services: [
    {
      name: service,
      region,
      state: 'healthy',
      flaps: 1,
      endpoints: [{ address: 'a', state: 'healthy', ejected: false, breaker: 'closed' }],
    },
  ],
  outsideNames: [{ target: 'www.example.com', state: 'known', failures: 1 }],
  zones: {
    secondaries: [
      {
        ...{ zone: 'z', state: 'current', serial: 1, records: 1, transfers: 1, failures: 0 },
        ...{ confirmedAt: '2026-01-01T00:00:00Z', expiresAt: '2026-01-01T00:00:00Z' },
      },
    ],
    notifications: [{ zone: 'z', server: 's', state: 'acknowledged' }],
  },
  checks: [{ name: 'c', state: 'healthy', since: '2026-01-01T00:00:00Z', flaps: 0 }],
  exclusive: [{ name: 'x', active: true, activeRegion: region, token: 1, changes: 0 }],
  data: { serving: true, buckets: [{ name: 'b', writable: true, lagMs: { r: 1 }, lost: 0 }] },
  geo: { source: 's', type: 't', ageSeconds: 1 },
  shifts: [{ id: 's', subject: 'route r', to: 't', state: 'running', share: 50, holds: true }],
  measuredLatency: {
    ...{ accepted: 1, networks: 1, steeredBy: 1, ageSeconds: 1 },
    refused: { format: 1 },
  },
};

/** A gateway thread that has counted one of each. */
function busyGateway(): GatewayMetrics {
  const metrics = new GatewayMetrics({
    routes: ['a'],
    regions: [region],
    listeners: ['http'],
    services: [service],
    endpoints: [{ service, region, endpoint: 'e' }],
    problems: Object.keys(problems),
  });
  metrics.request({ route: 0, service: 0, status: 200, durationMs: 1, bytesIn: 1, bytesOut: 1 });
  metrics.response(0, 200, 1);
  metrics.failure(0, 'connect');
  metrics.ejected(0);
  metrics.refused('overloaded');
  return metrics;
}

function busyNameServer(): DnsMetrics {
  const metrics = new DnsMetrics();
  metrics.query('udp', 1, 0, 0.1);
  return metrics;
}

function busyDataApi(): DataApiFigures {
  const counters = new DataApiCounters();
  counters.request('get', 200, 1);
  return counters.figures(1, 1);
}

function metricsShown(): Metric[] {
  const recorder = new Recorder();
  exposeNode(recorder, node, {
    cpuSeconds: 0,
    residentBytes: 0,
    startTimeSeconds: 0,
    uptimeSeconds: 0,
    eventLoopDelaySeconds: { mean: 0, p99: 0, max: 0 },
  });
  exposeGateway(recorder, [busyGateway()]);
  exposeDns(recorder, [busyNameServer()]);
  exposeDataApi(recorder, busyDataApi());
  return recorder.metrics.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const quoted = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');

const namesInConfiguration = [
  ...[
    'address',
    'check',
    'endpoint',
    'exclusive',
    'listener',
    'node',
    'region',
    'server',
    'service',
    'target',
    'zone',
  ],
];

/** The page with everything that `/metrics` shows. */
export const metricsPage: Generator = {
  path: 'docs/reference/metrics.md',
  render: () =>
    [
      '# Metrics reference',
      '',
      'Made from the sources by `npm run generate`. `GET :9000/metrics` of a node shows these in',
      "Prometheus' text format, summed over its threads and over all revisions since its start. A",
      'family of which nothing has occurred yet may be missing.',
      '',
      '| label | values |',
      '|---|---|',
      `| \`action\` | ${quoted(dnsLabels.action)} |`,
      `| \`cause\` | ${quoted(closeCauses)} |`,
      `| \`class\` | ${quoted(['1xx', '2xx', '3xx', '4xx', '5xx'])} |`,
      `| \`code\` | of refusals: [codes of problems](errors.md); of responses: the status |`,
      `| \`kind\` | of failures: ${quoted(failureKinds)}; of DNS responses: ${quoted(dnsLabels.kind)} |`,
      `| \`operation\` | of the data API, as in its [document](data-api.json): ${quoted([...operations.map(({ id }) => id), 'other'])} |`,
      `| \`rcode\` | ${quoted(dnsLabels.rcode)} |`,
      `| \`reason\` | of retries: ${quoted(withheldReasons)}; of reports: ${quoted(reportReasons)}; of connections to the data API: ${quoted(['network', 'limit'])} |`,
      `| \`route\` | the name of the route; \`-\`: none matched |`,
      `| \`source\` | of a revision: ${quoted(['store', 'file', 'snapshot', 'peer', 'bundle'])}; of a geo database: its file |`,
      `| \`shift\` | the id of the shift of traffic |`,
      `| \`state\` | of a zone from elsewhere: ${quoted(secondaryStates)}; of a name that an ALIAS leads to: ${quoted(outsideStates)}; of a shift of traffic: ${quoted(shiftStates)} |`,
      `| \`status\` | the status of the answer |`,
      `| \`subject\`, \`to\` | of a shift of traffic: what it shifts, as \`meridian shift status\` says, and whose share it sets |`,
      `| \`stat\` | ${quoted(['mean', 'p99', 'max'])} |`,
      `| \`transport\` | ${quoted(dnsLabels.transport)} (DNS over TLS) |`,
      `| \`type\` | of a question: ${quoted(dnsLabels.type)}; of a geo database: as it says |`,
      `| \`verdict\` | ${quoted(dnsLabels.verdict)} |`,
      `| \`version\` | of HTTP: ${quoted(httpVersions)}; of a node: that of Meridian |`,
      `| ${quoted(namesInConfiguration)} | as in the configuration |`,
      `| ${quoted(['bucket', 'leader'])} | of the store; the name of its server |`,
      `| \`revision\` | hash of the configuration |`,
      '',
      '| name | type | labels | meaning |',
      '|---|---|---|---|',
      ...metricsShown().map(
        ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${quoted(labels)} | ${help} |`,
      ),
      '',
    ].join('\n'),
};
