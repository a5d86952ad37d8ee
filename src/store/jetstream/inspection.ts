import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { settingsSubject } from '../nats-server/rights.ts';
import type { Connection } from './connection.ts';
import { judgeServers, parseSettings, type ServerSettings, votersTold } from './settings.ts';
import { resolvesWithin, sleep } from './sleep.ts';

const tickMs = 250;
const everyMs = { unknown: 250, unverified: 2_000, unsafe: 2_000, fine: 30_000 } as const;
const everyMsOfGrowth = 500;
const firstAnswerMs = 1_500;
/** After an answer, for the next one: voters are up to a wide-area round trip apart. */
const nextAnswerMs = 500;

export interface InspectionOptions {
  readonly connection: Connection;
  /** As many voters as buckets have copies. */
  replicas(): number;
  /** Whether it is waited for that the hub has another number of voters. */
  awaitsVoters(): boolean;
  /** How many the hub has by its own word. */
  onVoters(count: number): void;
  /** Whether the hub confirms writes now, so that its silence means that it will not tell. */
  hubConfirms(): boolean;
}

/**
 * Asks the hub's servers for their version and settings, in the background: at first four
 * times a second, on every new connection, when the hub comes back into reach, and every
 * 30 s while there is nothing against them, 0.5 s while it is to become larger.
 *
 *   ┌─────────┐ all is well    ┌──────┐
 *   │ unknown │ ─────────────▶ │ fine │ ◀──────────┐ all is well
 *   │         │                └──┬───┘            │
 *   │         │ something wrong   ▼            ┌───┴────┐
 *   │         │ ─────────────────────────────▶ │ unsafe │  writes are refused
 *   │         │                                └────────┘
 *   │         │ silence, while the hub confirms writes
 *   │         │ ─────────────▶ unverified: writes go on, and `status` says so
 *   └─────────┘
 *
 * Silence later changes nothing: what was told holds until something else is told.
 */
export class Inspection {
  readonly ended: Promise<void>;
  readonly #options: InspectionOptions;
  readonly #settled = Promise.withResolvers<void>();
  #verdict: 'unknown' | 'unverified' | 'fine' | 'unsafe' = 'unknown';
  #unsafe: string | undefined;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.ended = this.#run();
  }

  /** Why writes are refused, in one sentence. */
  get unsafe(): string | undefined {
    return this.#unsafe;
  }

  /** What could not be found out, in one sentence. */
  get unverified(): string | undefined {
    if (this.#verdict !== 'unverified') return undefined;
    return `cannot verify that the hub's servers write to disk before they confirm (sync_interval): they do not answer on ${settingsSubject}`;
  }

  /** Waits for the first verdict, at most until `deadlineMs` (of `performance.now()`). */
  async settled(deadlineMs: number): Promise<void> {
    if (this.#verdict !== 'unknown') return;
    const waitMs = Math.max(0, deadlineMs - performance.now());
    await resolvesWithin(this.#settled.promise, waitMs, this.#options.connection.closing);
  }

  async #run(): Promise<void> {
    const { connection, hubConfirms, awaitsVoters } = this.#options;
    const { closing } = connection;
    let asked: { on: NatsConnection; confirmed: boolean; atMs: number } | undefined;
    for (; !closing.aborted; await sleep(tickMs, closing)) {
      const on = connection.current;
      const confirmed = hubConfirms();
      const nowMs = performance.now();
      if (!on) continue;
      const news = on !== asked?.on || (confirmed && !asked.confirmed);
      const pauseMs = Math.min(
        everyMs[this.#verdict],
        awaitsVoters() ? everyMsOfGrowth : Number.POSITIVE_INFINITY,
      );
      if (!news && nowMs - asked!.atMs < pauseMs) continue;
      asked = { on, confirmed, atMs: nowMs };
      await this.#inspect(on, confirmed).catch(() => undefined); // the connection broke: again on the next
    }
  }

  async #inspect(current: NatsConnection, confirmed: boolean): Promise<void> {
    const { connection, replicas, onVoters } = this.#options;
    const inbox = createInbox(connection.inboxPrefix);
    const hub = await askServers(current, inbox, replicas(), connection.closing);
    const voters = votersTold(hub);
    if (voters !== undefined) onVoters(voters);
    const unsafe = judgeServers(current.info?.version, hub, replicas());
    if (unsafe !== undefined) this.#verdict = 'unsafe';
    else if (hub.length > 0) this.#verdict = 'fine';
    else if (this.#verdict === 'unknown' && confirmed) this.#verdict = 'unverified';
    else return;
    this.#unsafe = unsafe;
    this.#settled.resolve();
  }
}

/** What each voter tells that hears the question; ends early when as many that keep data have answered as `voters`. */
async function askServers(
  connection: NatsConnection,
  inbox: string,
  voters: number,
  closing: AbortSignal,
): Promise<ServerSettings[]> {
  const answers: ServerSettings[] = [];
  const { promise: done, resolve: end } = Promise.withResolvers<void>();
  let timer = setTimeout(end, firstAnswerMs);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error || message.headers?.code === 503) return end(); // nobody listens
      try {
        answers.push(parseSettings(message.string()));
      } catch {
        return; // as if it had not answered
      }
      clearTimeout(timer);
      const keeping = answers.filter(({ syncsAlways }) => syncsAlways !== undefined);
      if (keeping.length >= voters) return end();
      timer = setTimeout(end, nextAnswerMs);
    },
  });
  const abort = () => end();
  closing.addEventListener('abort', abort);
  try {
    connection.publish(settingsSubject, '', { reply: inbox });
    await Promise.race([done, connection.closed()]);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', abort);
    if (!connection.isClosed()) subscription.unsubscribe();
  }
  return answers;
}
