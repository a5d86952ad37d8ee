import { z } from 'zod';
import { nameSchema } from '../../../config/schema/units.ts';
import { json } from '../../answer.ts';
import { readJson } from '../../read-json.ts';
import type { StartShift } from '../../shifts-view.ts';
import type { Resource } from '../resource.ts';

/** Where a shift says nothing else. */
export const guardDefaults = {
  errorShare: 0.02,
  latencyFactor: 2,
  minimumRequests: 100,
  onBreach: 'pause',
} as const;
export const observeSecondsDefault = 30;

const seconds = z
  .number()
  .min(0)
  .max(30 * 86_400);

const subjectSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('route'), route: nameSchema }),
  z.strictObject({
    kind: z.literal('record'),
    name: z
      .string()
      .max(253)
      .transform((name) => name.toLowerCase().replace(/\.$/, '')),
    type: z
      .string()
      .regex(/^[A-Za-z0-9]{1,10}$/)
      .default('A')
      .transform((type) => type.toUpperCase()),
  }),
  z.strictObject({ kind: z.literal('region'), region: nameSchema }),
]);

const startSchema = z.strictObject({
  subject: subjectSchema,
  /** Of a region it goes without saying. */
  to: z.string().min(1).max(4_096).optional(),
  steps: z.array(z.number()).min(1).max(100),
  everySeconds: seconds.optional(),
  observeSeconds: seconds.default(observeSecondsDefault),
  at: z.iso.datetime({ offset: true }).optional(),
  guard: z
    .strictObject({
      errorShare: z.number().default(guardDefaults.errorShare),
      latencyFactor: z.number().default(guardDefaults.latencyFactor),
      minimumRequests: z.number().default(guardDefaults.minimumRequests),
      onBreach: z.enum(['pause', 'abort']).default(guardDefaults.onBreach),
    })
    .nullable()
    .default({ ...guardDefaults }),
  author: z.string(),
  message: z.string().default(''),
});

export const startShift: Resource = {
  path: '/shifts/start',
  method: 'POST',
  summary: 'Begins to shift traffic: of a route, a weighted record set, or a region, step by step.',
  body: { contentType: 'application/json', limitBytes: 64 * 1024 },
  async answer(view, _, body) {
    return json(200, await view.shifts.start(requestOf(readJson(body, startSchema))));
  },
};

function requestOf(asked: z.output<typeof startSchema>): StartShift {
  const { subject, steps, everySeconds, observeSeconds, at, guard, author, message } = asked;
  const to = subject.kind === 'region' ? subject.region : (asked.to ?? '');
  return {
    plan: {
      subject,
      to,
      steps,
      everyMs: everySeconds === undefined ? undefined : Math.round(everySeconds * 1_000),
      observeMs: Math.round(observeSeconds * 1_000),
      startAt: at === undefined ? undefined : new Date(at).toISOString(),
      guard: guard ?? undefined,
    },
    author,
    message,
  };
}
