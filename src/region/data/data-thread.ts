import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { openDataBucket } from '../../data/open-bucket.ts';
import { createDataServer } from '../../data/server/server.ts';
import type { Log, LogLevel } from '../../observability/log.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import { openStore } from '../../store/open.ts';
import type { DataPlan } from './data-plan.ts';
import { OpenBuckets } from './open-buckets.ts';
import type { DataThreadData, FromDataThread, ToDataThread } from './thread-messages.ts';

const reportMs = 1_000;

/** Entry of the thread of the data API, with a connection to the store of its own. */
async function runDataThread({ plan, store: options, node }: DataThreadData): Promise<void> {
  const clock = systemClock;
  const { host, port, region } = plan;
  const store = openStore(options, clock);
  const buckets = new OpenBuckets(openDataBucket, { store, region, node, clock, log });
  // The node itself calls elections among those that there are by now.
  const voters = options.engine === 'jetstream' ? (options.voters ?? []) : [];
  const settingsOf = (next: DataPlan) => ({
    networks: next.networks,
    grants: next.grants,
    buckets: buckets.use(next),
  });
  store.adjust({ replicas: plan.replicas, voters });
  const server = await createDataServer({
    ...{ host, port, region, clock, settings: settingsOf(plan) },
    onFailure: (error) => log.error('data API', { error: messageOf(error) }),
  });
  const report = () => {
    post({ kind: 'report', report: { figures: server.figures(), buckets: buckets.statuses() } });
    clock.after(reportMs, report);
  };
  const close = async () => {
    await server.close();
    await buckets.close();
    await store.close();
    parentPort?.close();
  };
  parentPort?.on('message', (message: ToDataThread) => {
    if (message.kind === 'plan') {
      store.adjust({ replicas: message.plan.replicas, voters });
      server.update(settingsOf(message.plan));
    } else void close();
    overwriteRegisters();
  });
  overwriteRegisters();
  post({ kind: 'listening', port: server.port });
  report();
}

const tell =
  (level: LogLevel): Log[LogLevel] =>
  (message, fields) =>
    post({ kind: 'log', level, message, fields: plain(fields) });

/** The log of the node, from here. */
const log: Log = {
  debug: tell('debug'),
  info: tell('info'),
  warn: tell('warn'),
  error: tell('error'),
};

/** Errors do not keep their code on the way to another thread. */
function plain(fields: Readonly<Record<string, unknown>> | undefined) {
  if (!fields) return undefined;
  const shown = (value: unknown) =>
    typeof value === 'number' || typeof value === 'boolean' ? value : messageOf(value);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(value)]));
}

function post(message: FromDataThread): void {
  parentPort?.postMessage(message);
}

runDataThread(workerData as DataThreadData).catch((error: unknown) => {
  post({ kind: 'failed', message: messageOf(error) });
  // The store would keep the thread: it is started anew as a whole.
  setImmediate(() => process.exit(1));
});
