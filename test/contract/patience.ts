import { MeridianError } from '../../src/base/errors.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';

const passing = ['store_unreachable', 'no_quorum', 'unreachable', 'too_busy'];
/** What does the same when it is done twice, unless it has a condition. */
const repeatable = ['get', 'getAll', 'keys', 'list', 'put', 'delete'];
const patienceMs = 60_000;

/**
 * The same buckets or objects for who has patience. Each call has a limit of its own, within which
 * a busy machine may not make a stream or elect its leader: what it fails with then is asked again,
 * unless it may have happened and must not happen twice.
 */
export function patient<T extends object>(target: T): T {
  return new Proxy(target, {
    get(_, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        const call = () => Reflect.apply(member, target, args);
        const result: unknown = call();
        if (!(result instanceof Promise)) return result;
        const isConditional =
          (name === 'put' && args[2] !== undefined) || (name === 'delete' && args[1] !== undefined);
        const isRepeatable = repeatable.includes(String(name)) && !isConditional;
        return again(result, call, isRepeatable);
      };
    },
  });
}

export function patientStore(store: Store): Store {
  return new Proxy(store, {
    get(_, name) {
      if (name === 'bucket') return (bucket: string) => patient(store.bucket(bucket));
      if (name === 'objects') return (objects: string) => patient(store.objects(objects));
      const member: unknown = Reflect.get(store, name);
      return typeof member === 'function' ? member.bind(store) : member;
    },
  });
}

async function again(
  first: Promise<unknown>,
  call: () => Promise<unknown>,
  isRepeatable: boolean,
): Promise<unknown> {
  let result = first;
  const settled = await eventually(
    'an answer of the store',
    async () => {
      try {
        return { value: await result };
      } catch (error) {
        if (!isPassing(error) || !(isRepeatable || error.details.outcome === 'none')) throw error;
        result = call();
        return undefined;
      }
    },
    patienceMs,
  );
  return settled.value;
}

function isPassing(error: unknown): error is MeridianError {
  return error instanceof MeridianError && passing.includes(error.code);
}
