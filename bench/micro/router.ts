import { normalisePath } from '../../src/gateway/router/path.ts';
import { compileRouter } from '../../src/gateway/router/router.ts';
import type { MicroCase } from './micro-case.ts';

/** Half of one host, the others of a host each; one is a pattern. */
const routes = (count: number) =>
  compileRouter(
    Array.from({ length: count }, (_, at) => ({
      name: `r${at}`,
      hosts: at % 2 === 0 ? ['api.exchange.test'] : [`h${at}.exchange.test`],
      ...(at === 0 ? { pattern: '/v1/rates/:pair' } : { prefix: `/v1/p${at}/q` }),
      service: 's',
    })),
  );
const few = routes(10);
const many = routes(10_000);
/** One that is matched by its prefix, a different one each time. */
const paths = Array.from({ length: 1_000 }, (_, at) => `/v1/p${at * 10 + 2}/q/rates`);
const request = {
  method: 'GET',
  fields: ['Host', 'api.exchange.test'],
  query: '',
  listener: 'http',
};
let turn = 0;

const ofFew = 'router: pattern, of 10 routes';

export const router: readonly MicroCase[] = [
  { name: 'path: canonical', run: () => normalisePath('/v1/rates/EUR-USD') },
  { name: 'path: to be resolved', run: () => normalisePath('/v1/./x/%2e%2e//rates/EUR%2dUSD') },
  { name: ofFew, run: () => few.match('api.exchange.test', '/v1/rates/EUR-USD', request) },
  {
    name: 'router: pattern, of 10,000 routes',
    beside: ofFew,
    run: () => many.match('api.exchange.test', '/v1/rates/EUR-USD', request),
  },
  {
    name: 'router: 1,000 prefixes in turn, of 10,000 routes',
    beside: ofFew,
    run: () => {
      turn = (turn + 1) % paths.length;
      return many.match('api.exchange.test', paths[turn]!, request);
    },
  },
];
