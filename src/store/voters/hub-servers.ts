import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { MeridianError } from '../../base/errors.ts';
import { callApi } from '../jetstream/api.ts';
import { Connection, type StoreTls } from '../jetstream/connection.ts';
import { resolvesWithin } from '../jetstream/sleep.ts';
import { account } from '../nats-server/accounts.ts';
import { inboxPrefix } from '../nats-server/rights.ts';
import { operatorUser, systemUser } from '../nats-server/secret.ts';
import type { Hub } from './hub.ts';
import { type HubAnswer, hubOf, parseHubAnswer } from './hub-report.ts';
import type { Step } from './next-step.ts';

export interface HubServersOptions {
  /** Clients' ports of the voters. Not all need be there. */
  readonly voters: readonly { readonly url: string; readonly serverName?: string | undefined }[];
  /** In a stack: the secret that its servers share. */
  readonly secret?: string | undefined;
  /** Else two identities: of the system's account, and of an operator of the data. */
  readonly tls?: { readonly system: StoreTls; readonly operator: StoreTls } | undefined;
}

const reachLimitMs = 5_000;
const callLimitMs = 5_000;
/** After the last answer of voters that may be a wide-area round trip apart. */
const answersWithinMs = 1_500;

/** The hub as one can ask it and change it. */
export class HubServers {
  readonly #system: readonly Connection[];
  readonly #operator: readonly Connection[];
  readonly #closing = new AbortController();

  constructor({ voters, secret, tls }: HubServersOptions) {
    const open = (user: string, identity: StoreTls | undefined) =>
      voters.map(
        ({ url, serverName }) =>
          new Connection({
            servers: [url],
            name: `store-${process.pid}`,
            region: systemUser,
            user,
            secret,
            tls: identity && { ...identity, serverName },
            onLost: () => undefined,
          }),
      );
    this.#system = open(systemUser, tls?.system);
    this.#operator = open(operatorUser, tls?.operator);
  }

  /** What the voters tell that answer. @throws {MeridianError} `store_unreachable` */
  async look(): Promise<Hub> {
    return hubOf(await this.#ask(await this.#reach(this.#system)), account);
  }

  /** Does a step, but for `start`. Doing it twice does no harm. @throws as `callApi` */
  async do(step: Exclude<Step, { do: 'start' }>): Promise<void> {
    switch (step.do) {
      case 'copies': {
        const operator = await this.#reach(this.#operator);
        const info = await api<{ config: object }>(operator, `STREAM.INFO.${step.stream}`, {});
        const config = { ...info.config, num_replicas: step.to };
        await api(operator, `STREAM.UPDATE.${step.stream}`, config);
        return;
      }
      case 'lead': {
        const request = { placement: { preferred: step.to } };
        const operator = await this.#reach(this.#operator);
        await api(operator, `STREAM.LEADER.STEPDOWN.${step.stream}`, request);
        return;
      }
      case 'leadHub': {
        const request = { placement: { preferred: step.to } };
        await api(await this.#reach(this.#system), 'META.LEADER.STEPDOWN', request);
        return;
      }
      case 'moveCopy': {
        const request = { server: step.from, tags: [`region:${step.region}`] };
        const subject = `ACCOUNT.STREAM.MOVE.${account}.${step.stream}`;
        await api(await this.#reach(this.#system), subject, request);
        return;
      }
      case 'forget':
        await api(await this.#reach(this.#system), 'SERVER.REMOVE', { peer: step.server });
    }
  }

  /** A connection of an operator of the data. @throws {MeridianError} `store_unreachable` */
  operator(): Promise<NatsConnection> {
    return this.#reach(this.#operator);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#system, ...this.#operator].map((one) => one.close()));
  }

  /** The first connection that there is. */
  async #reach(connections: readonly Connection[]): Promise<NatsConnection> {
    const deadlineMs = performance.now() + reachLimitMs;
    try {
      return await Promise.any(connections.map((one) => one.connected(deadlineMs)));
    } catch {
      const [why] = connections.flatMap(({ lastError }) => lastError ?? []);
      throw new MeridianError(
        'store_unreachable',
        `no voter of the store is reached${why === undefined ? '' : `: ${why}`}`,
      );
    }
  }

  /** Ends before its time when every server has answered that another one named. */
  async #ask(system: NatsConnection): Promise<HubAnswer[]> {
    const answers: HubAnswer[] = [];
    const { promise: all, resolve: end } = Promise.withResolvers<void>();
    const inbox = createInbox(inboxPrefix(systemUser));
    const subscription = system.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return;
        try {
          answers.push(parseHubAnswer(message.string()));
        } catch {
          return; // as if it had not answered
        }
        if (isComplete(answers)) end();
      },
    });
    const question = { accounts: true, streams: true, config: true, account };
    try {
      system.publish('$SYS.REQ.SERVER.PING.JSZ', JSON.stringify(question), { reply: inbox });
      await resolvesWithin(all, answersWithinMs, this.#closing.signal);
    } finally {
      if (!system.isClosed()) subscription.unsubscribe();
    }
    return answers;
  }
}

/** The leader of the hub has answered, and every voter that it names. */
function isComplete(answers: readonly HubAnswer[]): boolean {
  const have = new Set(answers.map(({ server }) => server.name));
  return answers.some(({ server, data }) => {
    const { leader, replicas } = data.meta_cluster ?? {};
    return leader === server.name && replicas?.every((one) => have.has(one.name)) === true;
  });
}

function api<T>(connection: NatsConnection, subject: string, request: object): Promise<T> {
  return callApi<T>(connection, `$JS.API.${subject}`, request, callLimitMs);
}
