import type { HttpCase } from './case.ts';
import { features } from './cases/features.ts';
import { http2 } from './cases/http2.ts';
import { idle } from './cases/idle.ts';
import { largeBody } from './cases/large-body.ts';
import { latency } from './cases/latency.ts';
import { plain } from './cases/plain.ts';
import { reload } from './cases/reload.ts';
import { routes10k } from './cases/routes-10k.ts';
import { tls } from './cases/tls.ts';

/** In the order in which they are measured. */
export const cases: readonly HttpCase[] = [
  plain,
  features,
  tls,
  http2,
  largeBody,
  routes10k,
  reload,
  idle,
  latency,
];
