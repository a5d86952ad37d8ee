import { json } from '../answer.ts';
import { drain } from './drain.ts';
import { explainDns } from './explain-dns.ts';
import { explainRequest } from './explain-request.ts';
import { live } from './live.ts';
import { metrics } from './metrics.ts';
import { ready } from './ready.ts';
import type { Resource } from './resource.ts';
import { status } from './status.ts';

const listed: readonly Resource[] = [
  live,
  ready,
  status,
  metrics,
  explainRequest,
  explainDns,
  drain,
];

const index: Resource = {
  path: '/',
  method: 'GET',
  summary: 'This list.',
  answer: () =>
    json(200, {
      resources: listed.map(({ path, method, summary, parameters }) => ({
        path,
        method,
        ...(parameters && { parameters }),
        summary,
      })),
    }),
};

/** Every resource of the admin API, by path. */
export const resources: ReadonlyMap<string, Resource> = new Map(
  [index, ...listed].map((resource) => [resource.path, resource]),
);
