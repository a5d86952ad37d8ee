import type { RecordEvent, RecordWatch } from '../../store/declared.ts';
import type { DataEvent, DataWatch } from '../bucket.ts';
import { versionOf } from './condition.ts';
import { cursorOf } from './cursor.ts';
import { asDataError } from './errors.ts';

/** A watch of the store as the users of a bucket see it. */
export function eventsOf(watch: RecordWatch, onEnd: () => void): DataWatch {
  const close = () => {
    watch.close();
    onEnd();
  };
  return { close, [Symbol.asyncIterator]: () => read(watch, close) };
}

async function* read(watch: RecordWatch, close: () => void): AsyncGenerator<DataEvent, void> {
  try {
    for await (const event of watch) yield shown(event);
  } catch (error) {
    throw asDataError(error, 'read');
  } finally {
    close();
  }
}

function shown(event: RecordEvent): DataEvent {
  const cursor = cursorOf(event.position);
  if (event.type === 'caughtUp') return { type: 'caughtUp', cursor };
  const { key, value, deleted } = event.record;
  const version = versionOf(event.record);
  if (deleted) return { type: 'delete', key, version, cursor };
  return { type: 'put', entry: { key, value, version }, cursor };
}
