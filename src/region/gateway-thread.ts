import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { codeOf, messageOf } from '../base/errors.ts';
import { compileTopology } from '../config/topology.ts';
import { createGateway } from '../gateway/gateway.ts';
import { HealthTable } from '../health/table.ts';
import { AccessLog } from '../observability/access-log.ts';
import { GatewayMetrics } from '../observability/gateway-metrics.ts';
import { FaultLog } from './fault-log.ts';
import { gatewayListeners, metricsLayout } from './listeners.ts';
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts';

/** Entry of a gateway thread: listeners, router and upstream pools of its own. */
async function runGatewayThread(data: ThreadData): Promise<void> {
  const { config, region, material } = data;
  const topology = compileTopology(config);
  const metrics = new GatewayMetrics(metricsLayout(config), data.metricsBuffer);
  const { accessLogPath } = data;
  const accessLog = accessLogPath === undefined ? undefined : openAccessLog(accessLogPath, metrics);
  const defects = new FaultLog(
    (message) => post({ kind: 'warning', message: `defect survived: ${message}` }),
    systemClock,
  );
  const gateway = await createGateway({
    config,
    region,
    health: new HealthTable(topology, data.healthBuffer),
    metrics,
    listen: gatewayListeners(config, region, material),
    identity: material.identity,
    reusePort: true,
    accessLog,
    onDefect: (error) => defects.fault(error),
    onFull: (message) => post({ kind: 'warning', message }),
    onFrame: (peerRegion, frame) => post({ kind: 'frame', region: peerRegion, bytes: frame }),
  });
  parentPort?.on('message', (message: ToThread) => {
    if (message.kind === 'drain') gateway.drain();
    else if (message.kind === 'reopenLogs') accessLog?.reopen();
    else
      void gateway
        .close()
        .then(() => accessLog?.close())
        .then(() => parentPort?.close());
  });
  post({ kind: 'listening' });
}

function openAccessLog(path: string, metrics: GatewayMetrics): AccessLog {
  return AccessLog.open(path, {
    onDropped: (lines) => metrics.accessLogDropped(lines),
    onLoss: ({ message }) => post({ kind: 'warning', message: `access log ${path}: ${message}` }),
  });
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

runGatewayThread(workerData as ThreadData).catch((error: unknown) => {
  post({ kind: 'failed', code: codeOf(error), message: messageOf(error) });
  parentPort?.close();
});
