import { setTimeout as sleep } from 'node:timers/promises';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { JetStreamApiError } from '../jetstream/api.ts';

/** A connection to the hub: the one that stands, or the next. @throws {MeridianError} `store_unreachable` */
export type Operator = () => Promise<NatsConnection>;

const connectionsMost = 3;
/** Until a connection that was lost counts as that everywhere. */
const pauseMs = 300;

/**
 * Asks the hub for something, which must be safe to ask twice: where the connection is lost, as one
 * is that was made to a server which has ended since, again over another.
 *
 * @param what it is about, for messages.
 * @throws {MeridianError} `store_unreachable`: no connection lasted, or no answer came;
 *   `snapshot_failed`: the hub refused; and whatever `ask` throws of its own
 */
export async function askHub<T>(
  operator: Operator,
  what: string,
  ask: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  for (let connections = 1; ; connections++) {
    const connection = await operator();
    try {
      return await ask(connection);
    } catch (error) {
      if (!isLost(connection, error) || connections === connectionsMost) failAs(what, error);
      await sleep(pauseMs);
    }
  }
}

/** The same for what may have been done when its connection is lost: then it is not done again. */
export async function tellHub(
  operator: Operator,
  what: string,
  tell: (connection: NatsConnection) => Promise<void>,
): Promise<void> {
  const connection = await operator();
  try {
    await tell(connection);
  } catch (error) {
    failAs(
      what,
      error,
      '; it may have been done all the same: the same command goes on from there',
    );
  }
}

function isLost(connection: NatsConnection, error: unknown): boolean {
  return connection.isClosed() || isOfClosed(error);
}

/** The client tells of it in several ways; one before the connection calls itself closed. */
function isOfClosed(error: unknown): boolean {
  if (error instanceof errors.RequestError) return !error.isNoResponders();
  return (
    error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError
  );
}

/** @param sequel what follows of a lost connection or answer. */
function failAs(what: string, error: unknown, sequel = ''): never {
  const fail = (code: string, why: string) => {
    throw new MeridianError(code, `${what}: ${why}`, { cause: error });
  };
  if (error instanceof JetStreamApiError) fail('snapshot_failed', error.message);
  if (error instanceof errors.TimeoutError)
    fail('store_unreachable', `the hub gave no answer${sequel}`);
  if (isOfClosed(error)) {
    fail('store_unreachable', `the connection to the hub was lost (${messageOf(error)})${sequel}`);
  }
  if (error instanceof errors.RequestError) fail('store_unreachable', messageOf(error));
  throw error;
}
