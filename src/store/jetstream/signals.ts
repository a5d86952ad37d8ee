import type { NatsConnection } from '@nats-io/transport-node';
import type { Signal } from '../store.ts';
import type { Connection } from './connection.ts';

/** Signals as plain NATS messages: subscribed again on every new connection. */
export function createSignal(subject: string, connection: Connection): Signal {
  const wireSubject = `meridian.signal.${subject}`;
  return {
    publish(payload) {
      const { current } = connection;
      if (!current || current.isClosed()) return false;
      current.publish(wireSubject, payload);
      return true;
    },
    subscribe(listener) {
      let unsubscribe = () => {};
      const subscribeOn = (current: NatsConnection) => {
        const subscription = current.subscribe(wireSubject, {
          callback(error, message) {
            if (error) return;
            const payload = message.data.slice();
            // Later, so that what the listener throws does not end the connection's reader.
            queueMicrotask(() => listener(payload));
          },
        });
        unsubscribe = () => {
          if (!current.isClosed()) subscription.unsubscribe();
        };
      };
      const stop = connection.onConnected(subscribeOn);
      return {
        close() {
          stop();
          unsubscribe();
        },
      };
    },
  };
}
