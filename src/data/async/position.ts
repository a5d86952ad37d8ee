import type { RegionalLog } from '../../store/regional-log.ts';
import { canarySubject, isCount, parseCanary, parseObject } from './canary.ts';

const peekLimitMs = 3_000;
const listLimitMs = 3_000;

/** Of all cursors. */
export const cursorPattern = '*.cursor';

/**
 * How far another region's log was copied, kept in the own one:
 *
 *   us.cursor      of what us wrote, in the log of us
 *   us/ap.cursor   of what us wrote, in the log of ap: see `second-hand.ts`
 */
export function cursorSubject(of: string, from = of): string {
  return of === from ? `${of}.cursor` : `${of}/${from}.cursor`;
}

/** Whose entries a cursor is about; `undefined`: it is none. */
export function regionOfCursor(subject: string): string | undefined {
  return /^([a-z0-9][a-z0-9-]{0,62})(?:\/[a-z0-9-]+)?\.cursor$/.exec(subject)?.[1];
}

export interface Start {
  /** Of the log that is followed. */
  readonly epoch: string;
  /** 0: from the start. */
  readonly sequence: number;
  /** The epoch of the own log. */
  readonly own: string;
  /** It is followed from the start, or was, and what others have of its region is not all here. */
  readonly anew: boolean;
}

/** Nothing was copied yet. */
export const noEpoch = '';

/**
 * Where to go on in another region's log: at the cursor, if both logs are those that it was
 * stored for.
 *
 * @throws {Error} while it cannot be known.
 */
export async function startIn(
  log: RegionalLog,
  from: string,
  subject: string,
  signal: AbortSignal,
): Promise<Start> {
  const own = log.state().epoch;
  if (own === undefined) throw new Error('the log of the own region is not known yet');
  const epoch = await peek(log, from, signal);
  const cursor = await log.last(subject);
  const at = (cursor && parseObject(cursor.value)) ?? {};
  // Older software did not say whose.
  const counts = at.epoch === epoch && (at.own ?? own) === own && isCount(at.sequence);
  const sequence = counts ? (at.sequence as number) : 0;
  return { own, epoch, sequence, anew: sequence === 0 || at.anew === true };
}

/** @param expected of the cursor that it takes the place of; default: whichever is there. */
export async function savePosition(
  log: RegionalLog,
  subject: string,
  { epoch, sequence, own, anew }: Start,
  expected?: number,
): Promise<void> {
  const value = Buffer.from(JSON.stringify({ epoch, sequence, own, ...(anew && { anew }) }));
  await log.append({
    subject,
    head: 'cursor',
    value,
    ...(expected !== undefined && { expected: { pattern: subject, sequence: expected } }),
  });
}

/** The epoch of the other log, as its newest canary tells. */
async function peek(log: RegionalLog, from: string, signal: AbortSignal): Promise<string> {
  const done = new AbortController();
  let epoch: string | undefined;
  await log.follow({
    region: from,
    pattern: canarySubject(from),
    after: 0,
    signal: AbortSignal.any([signal, done.signal, AbortSignal.timeout(peekLimitMs)]),
    onMessage: (message) => {
      epoch ??= parseCanary(message)?.epoch;
      if (epoch !== undefined) done.abort();
    },
  });
  if (epoch === undefined) throw new Error('no node there has told of its log');
  return epoch;
}

/**
 * Whose entries are, or were to be, in another region's log, as the cursors there say.
 *
 * @throws {Error} when it does not say so in time.
 */
export async function regionsKnownIn(
  log: RegionalLog,
  from: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const done = new AbortController();
  const names = new Set<string>();
  await log.follow({
    region: from,
    pattern: cursorPattern,
    after: 0,
    headsOnly: true,
    signal: AbortSignal.any([signal, done.signal, AbortSignal.timeout(listLimitMs)]),
    onMessage({ subject }) {
      const name = regionOfCursor(subject);
      if (name !== undefined) names.add(name);
    },
    onCaughtUp: () => done.abort(),
  });
  if (!done.signal.aborted) throw new Error(`region ${from} did not say which ones it knew`);
  return names;
}
