import { json } from '../answer.ts';
import { apply } from './config/apply.ts';
import { bundle } from './config/bundle.ts';
import { current } from './config/current.ts';
import { document } from './config/document.ts';
import { drift } from './config/drift.ts';
import { history } from './config/history.ts';
import { progress } from './config/progress.ts';
import { rollback } from './config/rollback.ts';
import { drain } from './drain.ts';
import { handOverExclusive } from './exclusive/hand-over.ts';
import { listExclusive } from './exclusive/list.ts';
import { explainDns } from './explain-dns.ts';
import { explainRequest } from './explain-request.ts';
import { live } from './live.ts';
import { metrics } from './metrics.ts';
import { ready } from './ready.ts';
import type { Resource } from './resource.ts';
import { deleteSecret } from './secrets/delete.ts';
import { listSecrets } from './secrets/list.ts';
import { rotateSecrets } from './secrets/rotate.ts';
import { setSecret } from './secrets/set.ts';
import { shiftHistory } from './shifts/history.ts';
import { listShifts } from './shifts/list.ts';
import { operateShift } from './shifts/operate.ts';
import { startShift } from './shifts/start.ts';
import { status } from './status.ts';

const listed: readonly Resource[] = [
  live,
  ready,
  status,
  metrics,
  explainRequest,
  explainDns,
  drain,
  current,
  document,
  history,
  progress,
  drift,
  bundle,
  apply,
  rollback,
  listSecrets,
  setSecret,
  deleteSecret,
  rotateSecrets,
  listExclusive,
  handOverExclusive,
  listShifts,
  shiftHistory,
  startShift,
  operateShift,
];

const index: Resource = {
  path: '/',
  method: 'GET',
  summary: 'This list.',
  answer: () =>
    json(200, {
      resources: listed.map(({ path, method, summary, parameters, body }) => ({
        path,
        method,
        ...(parameters && { parameters }),
        ...(body && { body: { type: body.contentType, atMostBytes: body.limitBytes } }),
        summary,
      })),
    }),
};

/** Every resource of the admin API, by path. */
export const resources: ReadonlyMap<string, Resource> = new Map(
  [index, ...listed].map((resource) => [resource.path, resource]),
);
