import type { RateTable } from '../money/rate-table.ts';
import { ProviderError, readProviderAnswer } from './provider-answer.ts';
import type { RateFeed } from './rate-feed.ts';

const maximumBytes = 256 * 1024;

export interface HttpFeedOptions {
  /** `http:` or `https:`. May hold a key: only its host is ever shown. */
  readonly url: URL;
  /** From the end of a try to the next one. */
  readonly intervalMs: number;
  /** Limit for a whole try, from look-up to the last byte. */
  readonly timeoutMs: number;
  /** Told each new reason of failure, and the recovery, once. */
  readonly log: (message: string) => void;
}

/**
 * Asks a provider over and over. A try that fails leaves the last good rates in place, whose
 * age every answer tells.
 */
export function createHttpFeed(options: HttpFeedOptions): RateFeed {
  const { url, intervalMs, timeoutMs, log } = options;
  const listeners = new Set<(table: RateTable) => void>();
  const closing = new AbortController();
  let good: { table: RateTable; atMs: number } | undefined;
  let failure: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function refresh(): Promise<void> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const table = await fetchTable(url, signal);
      if (closing.signal.aborted) return;
      good = { table, atMs: performance.now() };
      note(undefined);
      for (const listener of listeners) listener(table);
    } catch (error) {
      if (closing.signal.aborted) return;
      note(describe(error));
    }
    timer = setTimeout(refresh, intervalMs);
  }

  function note(next: string | undefined): void {
    if (next !== failure) log(next ?? 'the provider answers again');
    failure = next;
  }

  void refresh();
  return {
    source: url.host,
    latest: () => good && { table: good.table, ageMs: performance.now() - good.atMs },
    failure: () => failure,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closing.abort();
      clearTimeout(timer);
      listeners.clear();
    },
  };
}

/** A redirection is refused: it would send the key of the provider somewhere else. */
async function fetchTable(url: URL, signal: AbortSignal): Promise<RateTable> {
  const headers = { accept: 'application/json' };
  const response = await fetch(url, { headers, redirect: 'manual', signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new ProviderError(`the provider answered ${response.status}`);
  }
  const answer = readProviderAnswer(await readText(response));
  return { ...answer, asOfMs: Date.now() };
}

/** Stops at the limit, counted after decompression. */
async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > maximumBytes) {
      throw new ProviderError(`the provider's answer exceeds ${maximumBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Not the message of just any error: it may hold the URL, and that a key. */
function describe(error: unknown): string {
  if (error instanceof ProviderError) return error.message;
  if (error instanceof Error && error.name === 'TimeoutError') {
    return 'the provider did not answer in time';
  }
  const { cause } = error instanceof Error ? error : {};
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return `the provider could not be reached${code}`;
}
