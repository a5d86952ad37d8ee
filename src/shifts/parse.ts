import { Fields, isLine, namePattern, sha256Pattern } from '../revisions/fields.ts';
import { noncePattern } from '../revisions/parse.ts';
import type { Subject } from '../steering/shifts/subject.ts';
import type { Count, CountsByNode, NodeSides, Sides } from './counts.ts';
import { durationSlots } from './counts.ts';
import { fail } from './errors.ts';
import { longestMs, longestTarget, mostSteps } from './plan.ts';
import {
  type Guard,
  type Shift,
  type ShiftDocument,
  type ShiftEvent,
  shiftStates,
} from './shift.ts';

export const authorLength = 200;
export const messageLength = 1_000;
export const reasonLength = 1_000;
const mostShifts = 100;
const mostNodes = 10_000;

const idPattern = /^[0-9a-f]{8}$/;
const basisPattern = /^(region|[0-9a-f]{16})$/;
const typePattern = /^[A-Z0-9]{1,10}$/;
const recordPattern = /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const nodePattern = /^[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}$/;
const hashPattern = new RegExp(`${sha256Pattern.source}|^$`);

/** @throws MeridianError `shift_damaged` that names the field, never what stands there. */
export function parseShifts(bytes: Uint8Array): ShiftDocument {
  const fields = Fields.ofJson(bytes, '', damaged);
  const document: ShiftDocument = {
    version: fields.choice('version', 1),
    sequence: fields.count('sequence', 1),
    shifts: fields.list('shifts', mostShifts, (item) =>
      shiftOf(new Fields(item, 'shifts', damaged)),
    ),
    event: eventOf(fields.fields('event')),
  };
  const subjects = document.shifts.map(({ id }) => id);
  if (new Set(subjects).size < subjects.length) damaged('shifts: an id stands there twice');
  return document;
}

/** @throws as `parseShifts` */
export function parseEvent(bytes: Uint8Array): ShiftEvent {
  return eventOf(Fields.ofJson(bytes, '', damaged));
}

function damaged(what: string): never {
  return fail('shift_damaged', `what the store holds of shifts cannot be read: ${what}`);
}

function shiftOf(fields: Fields): Shift {
  const steps = fields.list('steps', mostSteps, (item) => (isPercent(item) ? item : undefined));
  const shift: Shift = {
    id: fields.matching('id', idPattern),
    subject: subjectOf(fields.fields('subject')),
    to: fields.line('to', longestTarget, 1),
    steps,
    everyMs: fields.optional('everyMs', (name) => fields.count(name, 0, longestMs)),
    observeMs: fields.count('observeMs', 0, longestMs),
    startAt: fields.optional('startAt', (name) => fields.time(name)),
    guard: fields.optional('guard', (name) => guardOf(fields.fields(name))),
    basis: fields.matching('basis', basisPattern),
    configured: percentOf(fields, 'configured'),
    from: percentOf(fields, 'from'),
    step: fields.count('step', 0, steps.length),
    state: fields.choice('state', ...shiftStates),
    reason: fields.text('reason', reasonLength),
    author: fields.line('author', authorLength, 1),
    message: fields.line('message', messageLength),
    createdAt: fields.time('createdAt'),
    changedAt: fields.time('changedAt'),
    turn: fields.count('turn', 1),
    baseline: baselineOf(fields),
    before: fields.optional('before', (name) => sidesOf(fields.fields(name))),
  };
  return shift;
}

function subjectOf(fields: Fields): Subject {
  const kind = fields.choice('kind', 'route', 'record', 'region');
  if (kind === 'route') return { kind, route: fields.matching('route', namePattern) };
  if (kind === 'region') return { kind, region: fields.matching('region', namePattern) };
  return {
    kind,
    name: fields.matching('name', recordPattern),
    type: fields.matching('type', typePattern),
  };
}

function guardOf(fields: Fields): Guard {
  return {
    errorShare: fields.share('errorShare'),
    latencyFactor: fields.amount('latencyFactor'),
    minimumRequests: fields.count('minimumRequests'),
    onBreach: fields.choice('onBreach', 'pause', 'abort'),
  };
}

function baselineOf(fields: Fields): CountsByNode {
  const nodes = fields.entries('baseline', mostNodes);
  if (nodes.some(([node]) => !nodePattern.test(node))) damaged('baseline');
  return Object.fromEntries(nodes.map(([node, of]) => [node, nodeSidesOf(of)]));
}

/** @throws what `Fields` refuses with. */
export function nodeSidesOf(fields: Fields): NodeSides {
  return { ...sidesOf(fields), startedAt: fields.time('startedAt') };
}

function sidesOf(fields: Fields): Sides {
  return { target: countOf(fields.fields('target')), rest: countOf(fields.fields('rest')) };
}

function countOf(fields: Fields): Count {
  const durations = fields.list('durations', durationSlots, (item) =>
    Number.isSafeInteger(item) && Number(item) >= 0 ? Number(item) : undefined,
  );
  return { requests: fields.count('requests'), failed: fields.count('failed'), durations };
}

function eventOf(fields: Fields): ShiftEvent {
  return {
    sequence: fields.count('sequence', 1),
    at: fields.time('at'),
    by: fields.line('by', authorLength, 1),
    action: fields.line('action', 20, 1),
    id: fields.matching('id', idPattern),
    subject: fields.line('subject', 400, 1),
    to: fields.line('to', longestTarget, 1),
    share: percentOf(fields, 'share'),
    state: fields.choice('state', ...shiftStates),
    reason: fields.text('reason', reasonLength),
    previous: fields.matching('previous', hashPattern),
    change: fields.matching('change', noncePattern),
  };
}

function percentOf(fields: Fields, name: string): number {
  const value = fields.amount(name);
  return isPercent(value) ? value : damaged(name);
}

function isPercent(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 100;
}

/** True for a line that may stand as author, or as message. */
export function isAuthor(text: string): boolean {
  return isLine(text, authorLength, 1);
}

export function isMessage(text: string): boolean {
  return isLine(text, messageLength);
}
