import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { MeridianError, messageOf } from '../base/errors.ts';
import type { RevisionRef } from '../revisions/revision.ts';

export type PlanFileErrorCode = 'plan_unreadable' | 'plan_outdated' | 'output_not_written';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const planSchema = z.strictObject({
  format: z.literal('meridian-plan/1'),
  /** As it was named. */
  file: z.string(),
  /** What the plan was made against; null: nothing was ever applied. */
  base: z.strictObject({ sequence: z.int().min(1), hash }).nullable(),
  /** Content hash of what is to be applied. */
  revision: hash,
});

export type PlanFile = z.output<typeof planSchema>;

/** @throws MeridianError `output_not_written` */
export function writePlan(
  path: string,
  file: string,
  base: RevisionRef | undefined,
  revision: string,
): void {
  const plan: PlanFile = { format: 'meridian-plan/1', file, base: base ?? null, revision };
  try {
    writeFileSync(path, `${JSON.stringify(plan, null, 2)}\n`);
  } catch (cause) {
    throw fault('output_not_written', `cannot write ${path}: ${messageOf(cause)}`, cause);
  }
}

/**
 * The base of a plan, if it is the plan of what is to be applied now.
 *
 * @throws MeridianError `plan_unreadable`, `plan_outdated`
 */
export function readPlannedBase(
  path: string,
  file: string,
  revision: string,
): RevisionRef | undefined {
  const plan = readPlan(path);
  if (plan.revision === revision) return plan.base ?? undefined;
  const other = plan.file === file ? 'it was changed since' : `that was ${plan.file}`;
  const message = `${path} is not the plan of ${file} as it is now: ${other}; plan again`;
  throw fault('plan_outdated', message);
}

function readPlan(path: string): PlanFile {
  try {
    return planSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    const isRead = cause instanceof Error && 'syscall' in cause;
    const why = isRead ? cause.message : 'it was not made by `meridian plan --out`';
    throw fault('plan_unreadable', `the plan ${path} cannot be used: ${why}`, cause);
  }
}

function fault(code: PlanFileErrorCode, message: string, cause?: unknown): MeridianError {
  return new MeridianError<PlanFileErrorCode>(code, message, { cause });
}
