import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import { compileTopology } from '../config/topology.ts';
import { createDnsServer } from '../dns/server/server.ts';
import { HealthTable } from '../health/table.ts';
import { DnsMetrics } from '../observability/dns-metrics.ts';
import { loadCountryData } from './country-data.ts';
import { FaultLog } from './fault-log.ts';
import { bindAddress } from './listeners.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

/** Entry of a DNS thread: UDP and TCP on one port, zones compiled here. */
async function runDnsThread(data: ThreadData): Promise<void> {
  const { config, region } = data;
  const topology = compileTopology(config);
  // The node told of missing data when it started; a thread that takes over serves without.
  const { locator } = await loadCountryData(config, region, { required: false });
  const faults = new FaultLog(
    (message) => post({ kind: 'warning', message: `DNS answered SERVFAIL: ${message}` }),
    systemClock,
  );
  const server = await createDnsServer({
    config,
    topology,
    region,
    states: new HealthTable(topology, data.healthBuffer),
    locator,
    serial: data.sequence,
    host: bindAddress(config, region),
    port: config.ports.dns,
    reusePort: true,
    metrics: new DnsMetrics(data.metricsBuffer),
    onFault: (error) => faults.fault(error),
  });
  parentPort?.on('message', (message: ToThread) => {
    if (message.kind === 'close') void server.close().then(() => parentPort?.close());
  });
  post({ kind: 'listening' });
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

runDnsThread(workerData as ThreadData).catch((error: unknown) => {
  post({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
  parentPort?.close();
});
