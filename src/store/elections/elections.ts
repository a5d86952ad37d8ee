import type { NatsConnection } from '@nats-io/transport-node';
import { Connection, type StoreTls } from '../jetstream/connection.ts';
import { resolvesWithin, sleep } from '../jetstream/sleep.ts';
import { account } from '../nats-server/accounts.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { systemUser } from '../nats-server/secret.ts';
import { type Ballot, encodeVoteRequest, Vigil, voteSubject } from './ballot.ts';
import { parseRaftReport, type RaftReport } from './raft-report.ts';

const everyMs = 400;
const pingLimitMs = 700;
const answersWithinMs = 400;
/** So that of many who watch, most find that another was first. */
const mostHesitationMs = 250;

export interface Voter {
  /** Its port for clients: `nats://host:port`. */
  readonly url: string;
  /** What its certificate must name, with TLS; by default, the host. */
  readonly serverName?: string | undefined;
}

export interface ElectionsOptions {
  /** All voters of the hub. */
  readonly voters: readonly Voter[];
  /** Shown by the servers in their logs. */
  readonly name: string;
  readonly secret?: string | undefined;
  readonly tls?: StoreTls | undefined;
  /** Called with the name of the group whose election was called. */
  onCall?(group: string): void;
}

/**
 * Has the hub elect a leader soon after one was lost. By itself nats-server waits 4 to 9 s
 * before it does, by constants in its source; with this, writes succeed again after 2 to 4 s.
 *
 *   watching ──▶ a voter is gone, or does not answer for 0.7 s
 *      ▲              │ what do the others say? again every 0.4 s
 *      │              ▼
 *      │         a majority waits for a leader, and nothing happens (`Vigil`)
 *      │              │ hesitates up to 0.25 s, asks again: still so, the term too
 *      └──────────────┴──▶ calls the election of that group
 *
 * It speaks to the voters in the account of the system, with all the rights of that: only
 * where servers and watcher are of one hand. Without it, or when it is wrong, nothing is
 * lost but time: it cannot make a leader, change a log or a vote (`ballot.ts`).
 */
export class Elections {
  readonly #voters: readonly Connection[];
  readonly #closing = new AbortController();
  readonly #vigil = new Vigil();
  readonly #running: Promise<void>;
  readonly #onCall: (group: string) => void;

  constructor({ voters, name, secret, tls, onCall = () => {} }: ElectionsOptions) {
    this.#onCall = onCall;
    this.#voters = voters.map(
      ({ url, serverName }) =>
        new Connection({
          servers: [url],
          name,
          region: systemUser,
          user: systemUser,
          secret,
          tls: tls && { ...tls, serverName },
          onLost: () => {},
        }),
    );
    this.#running = this.#run();
  }

  /** Why each voter that is not connected to is not, naming it. */
  get unreached(): readonly string[] {
    return this.#voters
      .filter(({ current }) => current === undefined)
      .map(({ lastError }) => lastError ?? 'not tried yet');
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#running, ...this.#voters.map((voter) => voter.close())]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#look().catch(() => undefined); // a connection broke: the next look finds out
      await sleep(everyMs, signal);
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#closing;
    const alive = await this.#alive();
    if (alive.length === 0 || alive.length === this.#voters.length) return this.#vigil.rest();
    const due = await this.#due(alive);
    if (due.length === 0) return;
    await sleep(Math.random() * mostHesitationMs, signal);
    const same = ({ group, term }: Ballot) =>
      due.some((ballot) => ballot.group === group && ballot.term === term);
    for (const ballot of (await this.#due(alive)).filter(same)) this.#call(ballot, alive[0]!);
  }

  async #due(alive: readonly NatsConnection[]): Promise<Ballot[]> {
    return this.#vigil.observe(await this.#ask(alive), performance.now());
  }

  /** Connections to the voters that answer. */
  async #alive(): Promise<NatsConnection[]> {
    const { signal } = this.#closing;
    const looks = this.#voters.map(async ({ current }) => {
      if (!current) return [];
      const answers = await resolvesWithin(current.flush(), pingLimitMs, signal);
      return answers ? [current] : [];
    });
    return (await Promise.all(looks)).flat();
  }

  async #ask(voters: readonly NatsConnection[]): Promise<RaftReport[]> {
    const questions = voters.flatMap((voter) =>
      [account, undefined].map(async (of) => {
        const subject = `$SYS.REQ.SERVER.${voter.info?.server_id}.RAFTZ`;
        const request = JSON.stringify({ account: of });
        try {
          const answer = await voter.request(subject, request, { timeout: answersWithinMs });
          return [parseRaftReport(answer.string())];
        } catch {
          return []; // as if it did not answer
        }
      }),
    );
    return (await Promise.all(questions)).flat();
  }

  #call({ group, term }: Ballot, voter: NatsConnection): void {
    // The answers interest nobody; without a subject for them the voters could not send any.
    const reply = `${inboxPrefix(systemUser)}.ignored`;
    voter.publish(voteSubject(group), encodeVoteRequest(term + 1n), { reply });
    this.#onCall(group);
  }
}
