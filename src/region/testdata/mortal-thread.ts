import { existsSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { ThreadData, ToThread } from '../thread-messages.ts';

/**
 * A thread that dies when told to close its logs anew, and cannot start while the file that
 * `accessLogPath` names is there: as when another program has taken the port.
 */
const data = workerData as ThreadData;
if (data.accessLogPath !== undefined && existsSync(data.accessLogPath)) {
  parentPort?.postMessage({ kind: 'failed', code: 'address_in_use', message: 'port taken' });
} else {
  parentPort?.on('message', ({ kind }: ToThread) => {
    if (kind === 'drain') parentPort?.postMessage({ kind: 'warning', message: 'drains' });
    if (kind === 'reopenLogs') throw new Error('a defect');
    if (kind === 'close') parentPort?.close();
  });
  parentPort?.postMessage({ kind: 'listening' });
}
