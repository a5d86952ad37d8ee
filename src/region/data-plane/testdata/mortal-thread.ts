import { existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, ThreadData, ToThread } from '../thread-messages.ts';
import { TwoPhase } from '../two-phase.ts';

/**
 * A thread that dies when told to close its logs anew, and cannot start while the file that
 * `accessLogPath` names is there: as when another program has taken the port. It cannot
 * prepare generation 13, and generation 666 kills it.
 */
const data = workerData as ThreadData;
let { generation } = data;
const post = (message: FromThread) => parentPort?.postMessage(message);

const phases = new TwoPhase(post, async (next) => {
  if (next.generation === 13) throw Object.assign(new Error('impossible'), { code: 'bad_zone' });
  if (next.generation === 666) process.exit(1);
  return {
    abandon: () => undefined,
    commit: () => {
      post({ kind: 'drained', generation });
      generation = next.generation;
    },
  };
});

if (data.accessLogPath !== undefined && existsSync(data.accessLogPath)) {
  post({ kind: 'failed', code: 'address_in_use', message: 'port taken' });
} else {
  parentPort?.on('message', (message: ToThread) => {
    if (phases.take(message)) return;
    if (message.kind === 'drain') post({ kind: 'warning', message: 'drains' });
    if (message.kind === 'reopenLogs') throw new Error('a defect');
    if (message.kind === 'close') parentPort?.close();
  });
  if (generation > 1) post({ kind: 'warning', message: `began with ${generation}` });
  post({ kind: 'listening' });
}
