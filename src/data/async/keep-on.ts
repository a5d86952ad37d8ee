import { messageOf } from '../../base/errors.ts';
import { sleep } from '../../store/jetstream/sleep.ts';

const retryMs = { first: 250, most: 1_000 } as const;

/** Does it again, 250 ms to 1 s after it ended or failed, until `signal` aborts. */
export async function keepOn(
  work: () => Promise<void>,
  signal: AbortSignal,
  onFailed: (problem: string) => void,
): Promise<void> {
  let waitMs: number = retryMs.first;
  while (!signal.aborted) {
    try {
      await work();
      waitMs = retryMs.first;
    } catch (error) {
      onFailed(messageOf(error));
      waitMs = Math.min(waitMs * 2, retryMs.most);
    }
    await sleep(waitMs, signal);
  }
}
