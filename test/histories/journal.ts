import { openSync, readFileSync, writeSync } from 'node:fs';
import type { Answer, Call, Observation, ProcessHistory, Told } from './observation.ts';

/** `Infinity` is no JSON. */
const text = (value: unknown) =>
  JSON.stringify(value, (_, one) => (one === Number.POSITIVE_INFINITY ? 'Infinity' : one));

/**
 * What a process of clients saw, written down as it goes: a write before it is sent and again
 * when it is answered. So what it may have done is known however the process ended.
 */
export class Journal {
  readonly #file: number;
  #calls = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** @returns how to tell of the answer. */
  called(call: Call): (answeredAtMs: number, answer: Answer) => void {
    const id = this.#calls++;
    this.#write({ id, call });
    return (answeredAtMs, answer) => this.#write({ id, answeredAtMs, answer });
  }

  /** Of reads, which change nothing when nobody knows of them. */
  observed(observation: Observation): void {
    this.#write({ observation });
  }

  told(told: Told): void {
    this.#write({ told });
  }

  watchEnded(watchEnded: string): void {
    this.#write({ watchEnded });
  }

  #write(line: Line): void {
    writeSync(this.#file, `${text(line)}\n`);
  }
}

type Line =
  | { readonly id: number; readonly call: Call }
  | { readonly id: number; readonly answeredAtMs: number; readonly answer: Answer }
  | { readonly observation: Observation }
  | { readonly told: Told }
  | { readonly watchEnded: string };

export function readJournal(path: string, name: string): ProcessHistory {
  const told: Told[] = [];
  let watchEnded: string | undefined;
  const observations: Observation[] = [];
  const open = new Map<number, Call>();
  const written = readFileSync(path, 'utf8');
  // The last line may be a part of one, of a process that was killed, or writes now: a call that
  // was not sent yet, or an answer that nobody was given.
  for (const line of written.split('\n').slice(0, -1)) {
    const parsed = JSON.parse(line, (_, one) => (one === 'Infinity' ? Number(one) : one)) as Line;
    if ('told' in parsed) told.push(parsed.told);
    else if ('watchEnded' in parsed) watchEnded = parsed.watchEnded;
    else if ('observation' in parsed) observations.push(parsed.observation);
    else if ('call' in parsed) open.set(parsed.id, parsed.call);
    else {
      const { id, answeredAtMs, answer } = parsed;
      observations.push({ ...open.get(id)!, answeredAtMs, answer });
      open.delete(id);
    }
  }
  const answer = { type: 'unknown', code: 'ended' } as const;
  for (const call of open.values()) {
    observations.push({ ...call, answeredAtMs: Number.POSITIVE_INFINITY, answer });
  }
  return { name, observations, told, watchEnded };
}
