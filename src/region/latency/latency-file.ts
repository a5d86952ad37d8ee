import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../base/clock.ts';
import {
  type LatencyFrame,
  latencyFrameToJson,
  parseLatencyFrame,
} from '../../steering/latency/latency-frame.ts';

/** The most networks that can be held, told by 8 nodes each, would fill ten times of it. */
const largestBytes = 64 * 1024 * 1024;

/**
 * What is known of round trips, on disk, so that a restart forgets nothing: a line that says
 * when it was written, then frames as they go over the inter-region link. It holds networks and
 * milliseconds, no address.
 */
export class LatencyFile {
  readonly #path: string;
  readonly #clock: Clock;

  constructor(stateDirectory: string, clock: Clock) {
    this.#path = join(stateDirectory, 'measured-latency.jsonl');
    this.#clock = clock;
  }

  /** Every frame that can be read. What cannot, or is not there, costs little. */
  async *read(): AsyncGenerator<LatencyFrame> {
    const { size } = await stat(this.#path).catch(() => ({ size: 0 }));
    if (size === 0 || size > largestBytes) return;
    const lines = createInterface({ input: createReadStream(this.#path), crlfDelay: 0 });
    let writtenMs: number | undefined;
    for await (const line of lines) {
      writtenMs ??= writtenAt(line, this.#clock);
      if (writtenMs === undefined) return lines.close();
      const frame = frameOf(line, writtenMs);
      if (frame) yield frame;
    }
  }

  /** @throws Error of the file system; what was there before is then still there */
  async write(frames: Iterable<LatencyFrame>): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    try {
      await using file = await open(temporary, 'w', 0o600);
      await file.write(`${JSON.stringify({ version: 1, writtenAtMs: this.#clock.wallMs() })}\n`);
      let bytes = 0;
      for (const frame of frames) {
        const line = `${JSON.stringify(latencyFrameToJson(frame, this.#clock.monotonicMs()))}\n`;
        bytes += line.length;
        if (bytes > largestBytes) break;
        await file.write(line); // each by itself: requests to the node go in between
      }
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await rename(temporary, this.#path);
  }
}

/** In monotonic time of this process; a clock that was set back since counts as no time. */
function writtenAt(line: string, clock: Clock): number | undefined {
  const header = parsed(line) as { version?: unknown; writtenAtMs?: unknown } | undefined;
  if (header?.version !== 1 || typeof header.writtenAtMs !== 'number') return undefined;
  const ageMs = Math.max(0, clock.wallMs() - header.writtenAtMs);
  return Number.isFinite(ageMs) ? clock.monotonicMs() - ageMs : undefined;
}

function frameOf(line: string, writtenMs: number): LatencyFrame | undefined {
  try {
    return parseLatencyFrame(JSON.parse(line), writtenMs);
  } catch {
    return undefined;
  }
}

function parsed(line: string): object | undefined {
  try {
    return Object(JSON.parse(line));
  } catch {
    return undefined;
  }
}
