import { z } from 'zod';
import { nameSchema } from '../../../config/schema/units.ts';
import type { RolloutPlan } from '../../../revisions/change.ts';
import { json } from '../../answer.ts';
import type { ApplyRequest } from '../../node-view.ts';
import { readJson } from '../../read-json.ts';
import type { Resource } from '../resource.ts';
import { changeFields, revisionRefSchema } from './change.ts';

const share = z.number().min(0).max(1);

const applySchema = z
  .strictObject({
    document: z.custom<object>(isMapping, 'expected a configuration'),
    base: revisionRefSchema.nullable(),
    ...changeFields,
    waves: z.array(z.array(nameSchema).min(1).max(1_000)).min(1).max(1_000).optional(),
    pauseSeconds: z.number().min(0).max(86_400).optional(),
    errorShare: share.optional(),
    readyShare: share.optional(),
    supersede: z.boolean().default(false),
  })
  .superRefine(({ waves, ...rest }, context) => {
    for (const field of ['pauseSeconds', 'errorShare', 'readyShare'] as const) {
      if (waves !== undefined || rest[field] === undefined) continue;
      context.addIssue({ code: 'custom', path: [field], message: 'means nothing without `waves`' });
    }
  });

/** Where a rollout says nothing else. */
export const rolloutDefaults = { pauseSeconds: 30, errorShare: 0.01, readyShare: 1 } as const;

export const apply: Resource = {
  path: '/config/apply',
  method: 'POST',
  summary: 'Makes a configuration the current revision if `base` still is; in waves if wanted.',
  body: { contentType: 'application/json', limitBytes: 32 * 1024 * 1024 },
  async answer(view, _, body) {
    const asked = readJson(body, applySchema);
    const { document, base, author, message, change, supersede } = asked;
    const request: ApplyRequest = {
      document,
      base: base ?? undefined,
      author,
      message,
      change,
      rollout: rolloutOf(asked),
      supersede,
    };
    return json(200, { revision: await view.revisions.apply(request) });
  },
};

function rolloutOf(asked: z.output<typeof applySchema>): RolloutPlan | undefined {
  const { waves, pauseSeconds, errorShare, readyShare } = asked;
  if (!waves) return undefined;
  return {
    waves,
    pauseMs: Math.round((pauseSeconds ?? rolloutDefaults.pauseSeconds) * 1_000),
    bounds: {
      errorShare: errorShare ?? rolloutDefaults.errorShare,
      readyShare: readyShare ?? rolloutDefaults.readyShare,
    },
  };
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
