import { createHash } from 'node:crypto';
import type { Config } from '../config/schema/config.ts';
import { configuredShare, type Subject, subjectName } from '../steering/shifts/subject.ts';
import type { CountsByNode, Sides } from './counts.ts';
import type { ShiftDecision } from './decide.ts';
import { fail } from './errors.ts';
import { checkPlan, checkSteps } from './plan.ts';
import {
  isActive,
  isInForce,
  type Operation,
  type Shift,
  type ShiftDocument,
  type ShiftEvent,
  type ShiftPlan,
  shareOfShift,
} from './shift.ts';

/** Shifts that are over are kept so long, for `meridian shift status`. */
const keptEnded = 20;
export const mostInForce = 32;

/** Who makes a change, when, and under which name it can be found again. */
export interface ShiftAuthor {
  readonly by: string;
  readonly message: string;
  readonly nowMs: number;
  readonly change: string;
}

/** What a change makes of one shift; the rest of the document follows from it. */
interface Changed {
  readonly shift: Shift;
  readonly action: string;
}

/**
 * A new shift. Of a subject whose last one is over but still in force it goes on from there.
 *
 * @throws MeridianError `shift_invalid`, `shift_exists`, `shift_unsafe`
 */
export function startShift(
  document: ShiftDocument | undefined,
  plan: ShiftPlan,
  config: Config,
  author: ShiftAuthor,
): ShiftDocument {
  const weights = checkPlan(plan, config);
  const { subject, to } = plan;
  const configured = round(configuredShare(weights, to) * 100);
  const before = standing(document, subject, weights.basis);
  if (before && before.to !== to) refuseOther(before);
  const from = before ? shareOfShift(before) : configured;
  checkSteps(plan.steps, from);
  const givesAway = (plan.steps.at(-1) ?? from) < from;
  if (subject.kind === 'region' && givesAway) checkOthers(document, subject.region, config);
  const inForce = (document?.shifts ?? []).filter(isInForce).length;
  if (!before && inForce >= mostInForce) {
    fail('shift_invalid', `there are ${mostInForce} shifts in force already: end some first`);
  }
  const at = new Date(author.nowMs).toISOString();
  const shift: Shift = {
    ...plan,
    id: author.change.slice(0, 8),
    basis: weights.basis,
    configured,
    from,
    step: 0,
    state: 'scheduled',
    reason: plan.startAt === undefined ? 'waits for all nodes to hear of it' : 'waits for its time',
    author: author.by,
    message: author.message,
    createdAt: at,
    changedAt: at,
    turn: 1,
    baseline: {},
    before: undefined,
  };
  return documentWith(document, { shift, action: 'start' }, author, subject);
}

/**
 * @param turn of the shift when whoever asks looked at it; `undefined`: whatever it is by now
 * @throws MeridianError `shift_unknown`, `shift_conflict`, `shift_not_possible`
 */
export function operateShift(
  document: ShiftDocument | undefined,
  id: string,
  operation: Operation,
  turn: number | undefined,
  counts: CountsByNode,
  author: ShiftAuthor,
): ShiftDocument {
  const shift = document?.shifts.find((one) => one.id === id);
  if (!shift) return fail('shift_unknown', `there is no shift ${id}`, { id });
  if (turn !== undefined && shift.turn !== turn) refuseChanged(shift);
  const fields = operations[operation](shift, counts) ?? refuse(shift, operation);
  const reason = author.message === '' ? `${operation} by ${author.by}` : author.message;
  const next = turned(shift, { ...fields, reason }, author.nowMs);
  return documentWith(document, { shift: next, action: operation }, author);
}

/** What a node found due, done. `before` is what was counted while nothing was shifted yet. */
export function moveShift(
  document: ShiftDocument,
  shift: Shift,
  { action, reason }: ShiftDecision,
  counts: CountsByNode,
  before: Sides | undefined,
  author: ShiftAuthor,
): ShiftDocument {
  const fields = fieldsAfter(shift, action, counts, before);
  const next = turned(shift, { ...fields, reason }, author.nowMs);
  return documentWith(document, { shift: next, action }, author);
}

type Fields = Partial<Pick<Shift, 'state' | 'step' | 'baseline' | 'before'>>;

function fieldsAfter(
  shift: Shift,
  action: ShiftDecision['action'],
  counts: CountsByNode,
  before: Sides | undefined,
): Fields {
  switch (action) {
    case 'begin':
      return { state: 'running', baseline: counts };
    case 'advance':
      return {
        step: Math.min(shift.step + 1, shift.steps.length),
        baseline: counts,
        ...(shift.step === 0 && { before }),
      };
    case 'finish':
      return { state: 'done', baseline: {} };
    case 'pause':
      return { state: 'paused' };
    case 'abort':
      return { state: 'aborted', step: 0, baseline: {} };
    case 'supersede':
      return { state: 'superseded', baseline: {} };
    case 'wait':
      return {};
  }
}

/** `undefined`: not for a shift in this state. */
const operations: Readonly<
  Record<Operation, (shift: Shift, counts: CountsByNode) => Fields | undefined>
> = {
  pause: ({ state }) => (state === 'running' ? { state: 'paused' } : undefined),
  resume: ({ state }, baseline) =>
    state === 'paused' ? { state: 'running', baseline } : undefined,
  advance: ({ state, step, steps }, baseline) =>
    (state === 'running' || state === 'paused') && step < steps.length
      ? { state: 'running', step: step + 1, baseline }
      : undefined,
  abort: (shift) =>
    isActive(shift) || (shift.state === 'done' && isInForce(shift))
      ? { state: 'aborted', step: 0, baseline: {} }
      : undefined,
  finish: (shift) =>
    isActive(shift) ? { state: 'done', step: shift.steps.length, baseline: {} } : undefined,
};

/** What was seen is not there any more: what is there now may not be what was meant. */
function refuseChanged(shift: Shift): never {
  const { id, state, step, steps, reason, turn } = shift;
  const now = `${state} now, at step ${step} of ${steps.length} (${shareOfShift(shift)} %)`;
  const message = `shift ${id} has changed since it was looked at: it is ${now}: ${reason}`;
  return fail('shift_conflict', message, { id, state, step, turn });
}

function refuse({ id, state, reason, step, steps }: Shift, operation: Operation): never {
  const last = operation === 'advance' && step === steps.length ? ', at its last step' : '';
  const message = `shift ${id} is ${state}${last} (${reason}): it cannot be told to ${operation}`;
  return fail('shift_not_possible', message, { id, state });
}

function turned(shift: Shift, fields: Fields & { reason: string }, nowMs: number): Shift {
  const changedAt = new Date(nowMs).toISOString();
  return { ...shift, ...fields, changedAt, turn: shift.turn + 1 };
}

/** The shift of a subject that is over and still holds a share. @throws `shift_exists` */
function standing(
  document: ShiftDocument | undefined,
  subject: Subject,
  basis: string,
): Shift | undefined {
  const name = subjectName(subject);
  const found = document?.shifts.find(
    (one) => subjectName(one.subject) === name && isInForce(one) && one.basis === basis,
  );
  if (!found) return undefined;
  if (!isActive(found)) return found;
  const { id, state, author } = found;
  return fail(
    'shift_exists',
    `${name} has shift ${id} already, ${state}, by ${author}: finish or abort that first`,
    { id },
  );
}

function refuseOther({ id, to, subject }: Shift): never {
  const message = `${subjectName(subject)} stands at a share for "${to}" by shift ${id}: abort that, or make its weights the configuration first`;
  return fail('shift_exists', message, { id });
}

/** Two regions that are drained at once could leave nobody. @throws `shift_unsafe` */
function checkOthers(document: ShiftDocument | undefined, region: string, config: Config): void {
  const drained = new Set(
    (document?.shifts ?? []).flatMap((shift) =>
      shift.subject.kind === 'region' && isInForce(shift) ? shift.subject.region : [],
    ),
  );
  // An edge hands its requests to regions; it is no place for theirs.
  const places = config.regions[region]?.kind === 'edge' ? ['region', 'edge'] : ['region'];
  const whole = Object.entries(config.regions).filter(
    ([name, { kind }]) => places.includes(kind) && name !== region && !drained.has(name),
  );
  if (whole.length > 0) return;
  const others = [...drained].filter((name) => name !== region);
  const why =
    others.length === 0
      ? 'there is no other region that serves'
      : `${others.join(', ')} ${others.length === 1 ? 'gives' : 'give'} clients away too`;
  fail('shift_unsafe', `${region} cannot give its clients away: ${why}`, { region });
}

/** @param replaces the subject whose shifts before give way */
function documentWith(
  document: ShiftDocument | undefined,
  { shift, action }: Changed,
  author: ShiftAuthor,
  replaces?: Subject,
): ShiftDocument {
  const name = subjectName(shift.subject);
  const others = (document?.shifts ?? [])
    .filter(({ id }) => id !== shift.id)
    .filter((one) => !(replaces && subjectName(one.subject) === name));
  const ended = others.filter((one) => !isInForce(one));
  const dropped = new Set(ended.slice(keptEnded));
  const sequence = (document?.sequence ?? 0) + 1;
  return {
    version: 1,
    sequence,
    shifts: [shift, ...others.filter((one) => !dropped.has(one))],
    event: {
      sequence,
      at: shift.changedAt,
      by: author.by,
      action,
      id: shift.id,
      subject: name,
      to: shift.to,
      share: shareOfShift(shift),
      state: shift.state,
      reason: shift.reason,
      previous: document ? hashOf(document.event) : '',
      change: author.change,
    },
  };
}

/** Of an event as it is kept. */
export function hashOf(event: ShiftEvent): string {
  return createHash('sha256').update(JSON.stringify(event)).digest('hex');
}

function round(percent: number): number {
  return Math.round(percent * 1e6) / 1e6;
}
