import { expositionContentType } from '../../observability/exposition.ts';
import type { Resource } from './resource.ts';

export const metrics: Resource = {
  path: '/metrics',
  method: 'GET',
  summary: 'All metrics of the node for Prometheus.',
  answer: (view) => ({ status: 200, contentType: expositionContentType, body: view.metrics() }),
};
