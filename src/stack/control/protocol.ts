import { z } from 'zod';
import type { RollStep } from '../rolling/roll.ts';

const name = z.string().min(1).max(253);

/**
 * What the control socket of a stack accepts: one JSON object per line, answered by one
 * line each, in order; lines of progress may come before it. Whoever may open the socket (its owner: mode 0600 in a directory
 * of mode 0700) may ask for all of it.
 */
export const requestSchema = z.discriminatedUnion('operation', [
  z.strictObject({
    operation: z.literal('region'),
    /** `add`, `remove`: as the stack's configuration file says by now. */
    action: z.enum(['kill', 'freeze', 'start', 'add', 'remove']),
    region: name,
  }),
  z.strictObject({
    operation: z.literal('voter'),
    action: z.enum(['start', 'end']),
    region: name,
    /** To start: more than 1 where it replaces one whose disk is lost. */
    instance: z.int().min(1).max(999_999).default(1),
  }),
  z.strictObject({
    operation: z.literal('founding'),
    /** `look` only says whether there is a voter that ran alone, `hold` that the owner lives. */
    action: z.enum(['look', 'hold', 'close', 'begin', 'open', 'undo']),
    /** The process that does it: for all but `look`. */
    owner: z.strictObject({ pid: z.int().min(1), startTicks: z.number() }).optional(),
  }),
  z.strictObject({
    operation: z.literal('node'),
    action: z.enum(['kill', 'freeze', 'start', 'stop', 'restart']),
    region: name,
    /** Left out: all of the region. */
    node: name.optional(),
  }),
  z.strictObject({
    operation: z.literal('restart'),
    /** Left out: all regions. */
    region: name.optional(),
  }),
  z.strictObject({
    operation: z.literal('service'),
    action: z.enum(['kill', 'start']),
    region: name,
    service: name,
  }),
  z.strictObject({
    operation: z.literal('store'),
    action: z.enum(['kill', 'freeze', 'start']),
    region: name.optional(),
  }),
  z.strictObject({ operation: z.literal('status') }),
  z.strictObject({ operation: z.literal('events') }),
  z.strictObject({ operation: z.literal('stop') }),
]);

export type ControlRequest = z.output<typeof requestSchema>;

/** What goes on until the response. */
export interface ControlProgress {
  readonly progress: RollStep;
}

export type ControlResponse =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

/** No request is longer; a line that is ends the connection. */
export const maximumRequestBytes = 65_536;

/** The longest path a Unix socket can have on Linux (`sun_path` less its final NUL). */
export const maximumSocketPathBytes = 107;
