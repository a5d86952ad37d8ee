import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import { compileTopology } from '../../config/topology.ts';
import { createGateway, type GatewayConfiguration } from '../../gateway/gateway.ts';
import { metricsLayout } from '../../gateway/metrics-layout.ts';
import { HealthTable } from '../../health/table.ts';
import { AccessLog } from '../../observability/access-log.ts';
import { isSameLayout } from '../../observability/gateway-layout.ts';
import { GatewayMetrics } from '../../observability/gateway-metrics.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import { zoneOf } from '../own-node.ts';
import { FaultLog } from './fault-log.ts';
import { gatewayListeners } from './listeners.ts';
import { ReportBuffer } from './report-buffer.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';
import { TwoPhase } from './two-phase.ts';

/** Entry of a gateway thread: listeners, router and upstream pools of its own. */
async function runGatewayThread(data: ThreadData): Promise<void> {
  let metrics = countersOf(data);
  let accessLog: AccessLog | undefined;
  const logOf = ({ accessLogPath: path }: ThreadData): AccessLog | undefined => {
    if (path === undefined) return undefined;
    accessLog ??= AccessLog.open(path, {
      onDropped: (lines) => metrics.accessLogDropped(lines),
      onLoss: ({ message }) => post({ kind: 'warning', message: `access log ${path}: ${message}` }),
    });
    return accessLog;
  };
  const defects = new FaultLog(
    (message) => post({ kind: 'warning', message: `defect survived: ${message}` }),
    systemClock,
  );
  // Of a plugin that does not wait for what it began: no reason to lose the requests of others.
  process.on('unhandledRejection', (error) => defects.fault(error));
  const gateway = await createGateway({
    ...gatewayConfiguration(data, metrics),
    accessLog: logOf(data),
    sessionSecret: data.sessionSecret,
    reusePort: true,
    thread: data.thread,
    reports: new ReportBuffer(systemClock, (batch) => post({ kind: 'reports', batch })),
    onDefect: (error) => defects.fault(error),
    onFull: (message) => post({ kind: 'warning', message }),
    onNameFailing: (message) => post({ kind: 'warning', message }),
    onFrame: (peerRegion, frame) => post({ kind: 'frame', region: peerRegion, bytes: frame }),
  });
  gateway.useShifts(data.shifts);
  let generation = data.generation;
  const phases = new TwoPhase(post, async (next) => {
    const counters = isSameLayout(metricsLayout(next.config), metrics.layout)
      ? metrics
      : countersOf(next);
    const configuration = gatewayConfiguration(next, counters);
    const prepared = await gateway.prepare({ ...configuration, accessLog: logOf(next) });
    return {
      abandon: () => prepared.abandon(),
      commit: () => {
        const { drained } = prepared.commit();
        const ended = generation;
        generation = next.generation;
        metrics = counters;
        void drained.then(() => post({ kind: 'drained', generation: ended }));
      },
    };
  });
  parentPort?.on('message', (message: ToThread) => {
    if (phases.take(message)) return;
    if (message.kind === 'drain') gateway.drain(message.on);
    else if (message.kind === 'sessionSecret') gateway.useSessionSecret(message.secret);
    else if (message.kind === 'shifts') gateway.useShifts(message.shifts);
    else if (message.kind === 'reopenLogs') accessLog?.reopen();
    else if (message.kind === 'close')
      void gateway
        .close()
        .then(() => accessLog?.close())
        .then(() => parentPort?.close());
  });
  overwriteRegisters();
  post({ kind: 'listening' });
}

/** Begun: what a thread before this one counted is kept, its connections are closed. */
function countersOf({ config, metricsBuffer }: ThreadData): GatewayMetrics {
  return new GatewayMetrics(metricsLayout(config), metricsBuffer);
}

function gatewayConfiguration(
  data: ThreadData,
  metrics: GatewayMetrics,
): Omit<GatewayConfiguration, 'accessLog'> {
  const { config, own, material } = data;
  return {
    config,
    region: own.region,
    health: new HealthTable(compileTopology(config), data.healthBuffer),
    metrics,
    listen: gatewayListeners(config, own, material),
    identity: material.identity,
    upstreams: material.upstreams,
    balancingSecrets: material.cookieSecrets,
    zone: zoneOf(config, own),
    bundle: data.bundle,
  };
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

runGatewayThread(workerData as ThreadData).catch((error: unknown) => {
  post({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
  parentPort?.close();
});
