import type { ShiftStatus } from '../admin/shifts-view.ts';
import { plain } from '../config/diff-values.ts';
import { type Shift, type ShiftEvent, type ShiftState, shareOfShift } from '../shifts/shift.ts';
import { subjectName } from '../steering/shifts/subject.ts';
import { formatAge, styled } from './output.ts';

/** What a shift that was begun is going to do. */
export function outlineOf(shift: Shift): string {
  const { id, from, steps, everyMs, observeMs, startAt, guard } = shift;
  const first = `shift ${id}: ${towards(shift)}, ${[from, ...steps].join(' → ')} %`;
  const begins = startAt === undefined ? 'begins at once' : `begins at ${startAt}`;
  const looks = observeMs > 0 ? `, looks on for ${formatAge(observeMs / 1_000)}` : '';
  const holds =
    everyMs === undefined ? 'steps by hand' : `a step every ${formatAge(everyMs / 1_000)}`;
  const watched = guard
    ? `${guard.onBreach === 'pause' ? 'pauses' : 'aborts'} when errors or durations rise`
    : 'no guard';
  return `${first}\n${begins}${looks}, ${holds}; ${watched}`;
}

/** `shift 4f2a91c0 is paused: route shop to canary at 25 %`. */
export function describeShift(shift: Shift): string {
  const { id, state } = shift;
  return `shift ${id} is ${coloured(state)}: ${towards(shift)} at ${shareOfShift(shift)} %`;
}

export function shiftRow(shift: ShiftStatus): string[] {
  const { id, subject, to, share, step, steps, state, reason, outlook, holds } = shift;
  const isOver = state === 'superseded' || (state === 'aborted' && !holds);
  const why = [outlook ?? reason, ...(holds || isOver ? [] : ['this node has other weights'])];
  const target = subject === `region ${to}` ? '' : to;
  return [
    id,
    subject,
    plain(target),
    `${share} %`,
    `${step} of ${steps.length}`,
    coloured(state),
    plain(why.join('; ')),
  ];
}

export function eventRow(event: ShiftEvent): string[] {
  const { sequence, at, id, subject, action, share, by, reason } = event;
  return [String(sequence), at, id, subject, action, `${share} %`, plain(by), plain(reason)];
}

function towards({ subject, to }: Shift): string {
  const name = subjectName(subject);
  return subject.kind === 'region'
    ? `what ${name} keeps of its clients`
    : `${name} to ${plain(to)}`;
}

function coloured(state: ShiftState): string {
  if (state === 'done') return styled('green', state);
  if (state === 'paused' || state === 'aborted') return styled('red', state);
  return styled('yellow', state);
}
