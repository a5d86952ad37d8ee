import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { dotTls } from '../../config/listeners.ts';
import { compileTopology } from '../../config/topology.ts';
import { askResolver } from '../../dns/outside/ask-resolver.ts';
import { OutsideNames } from '../../dns/outside/outside-names.ts';
import { createDnsServer, type DotAddress } from '../../dns/server/server.ts';
import { tlsPolicy } from '../../gateway/listener/tls-policy.ts';
import { HealthTable } from '../../health/table.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import { emptyLocator, type Locator, sharedLocator } from '../../steering/geo/locator.ts';
import type { MeasuredSource } from '../../steering/latency/client-latency.ts';
import type { MeasuredCells } from '../../steering/latency/measured-cells.ts';
import { dotTicketKeys } from './dot-secret.ts';
import { FaultLog } from './fault-log.ts';
import { NotificationRelay } from './notification-relay.ts';
import { OutsideReports } from './outside-reports.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';
import { TwoPhase } from './two-phase.ts';

/** Entry of a DNS thread: UDP and TCP on one port, TLS on another, zones compiled here. */
async function runDnsThread(data: ThreadData): Promise<void> {
  const faults = new FaultLog(
    (message) => post({ kind: 'warning', message: `DNS answered SERVFAIL: ${message}` }),
    systemClock,
  );
  const notifications = new NotificationRelay(
    (zone, source) => post({ kind: 'notify', zone, source }),
    systemClock,
  );
  const outside = new OutsideNames(systemClock, askResolver);
  const kept = { locators: new Locators(), measured: new Measured(data.measured) };
  const server = await createDnsServer({
    ...dnsConfiguration(data, kept),
    reusePort: true,
    metrics: new DnsMetrics(data.metricsBuffer),
    onFault: (error) => faults.fault(error),
    onNotify: (zone, source) => notifications.take(zone, source),
    outside,
    ...(data.dnsRateTable && { rateTable: data.dnsRateTable }),
  });
  server.useShifts(data.shifts);
  const outsideReports = new OutsideReports(
    () => outside.status(),
    (names) => post({ kind: 'outside', names }),
    systemClock,
  );
  const phases = new TwoPhase(post, async (next) => server.prepare(dnsConfiguration(next, kept)));
  parentPort?.on('message', (message: ToThread) => {
    if (phases.take(message)) return;
    if (message.kind === 'sessionSecret') server.useTicketKeys(dotTicketKeys(message.secret));
    else if (message.kind === 'shifts') server.useShifts(message.shifts);
    else if (message.kind === 'measured') kept.measured.cells = message.cells;
    else if (message.kind === 'close') {
      outsideReports.close();
      void server.close().then(() => parentPort?.close());
    }
  });
  overwriteRegisters();
  post({ kind: 'listening' });
}

/** What revisions share. */
interface Kept {
  readonly locators: Locators;
  readonly measured: Measured;
}

function dnsConfiguration(data: ThreadData, { locators, measured }: Kept) {
  const { config, own } = data;
  const topology = compileTopology(config);
  return {
    config,
    topology,
    region: own.region,
    states: new HealthTable(topology, data.healthBuffer),
    locator: locators.for(data),
    measured,
    serial: data.serial,
    zoneKeys: data.material.zoneKeys,
    transferred: data.transferred,
    transferSecrets: data.material.transferSecrets,
    // All threads have the same to say.
    onWarning:
      data.thread === 0 ? (message: string) => post({ kind: 'warning', message }) : undefined,
    cookieSecret: data.dnsCookieSecret,
    host: own.bind,
    port: config.ports.dns,
    dot: dotAddress(data),
  };
}

function dotAddress({ config, own, material, sessionSecret }: ThreadData): DotAddress | undefined {
  const { dnsOverTls } = material;
  const { dot: port } = config.ports;
  const settings = dotTls(config);
  if (port === undefined || !settings || !dnsOverTls) return undefined;
  const { certificates } = dnsOverTls;
  const policy = tlsPolicy(settings.settings.policy);
  const ticketKeys = sessionSecret && dotTicketKeys(sessionSecret);
  return { host: own.bind, port, tls: { certificates, policy, ticketKeys } };
}

/** What browsers measured; each query sees the newest. */
class Measured implements MeasuredSource {
  cells: MeasuredCells | undefined;

  constructor(cells: MeasuredCells | undefined) {
    this.cells = cells;
  }
}

/** The country data, with the records decoded so far, kept while the file is as it was. */
class Locators {
  #kept: Locator = emptyLocator;

  for({ geoDatabase }: ThreadData): Locator {
    const { path, mark } = this.#kept.database ?? {};
    if (!geoDatabase || geoDatabase.path !== path || geoDatabase.mark !== mark) {
      this.#kept = sharedLocator(geoDatabase);
    }
    return this.#kept;
  }
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

runDnsThread(workerData as ThreadData).catch((error: unknown) => {
  post({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
  parentPort?.close();
});
