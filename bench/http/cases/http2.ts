import { NotMeasurable } from '../case.ts';
import { cpuCase } from '../cpu-case.ts';
import { h2load } from '../load/h2load.ts';
import { negotiate } from '../probe.ts';
import { plainSetup } from '../setup.ts';

/** As `tls`, over HTTP/2: 16 connections with 16 streams each. HTTP/1.1 to the origin. */
export const http2 = cpuCase({
  name: 'http2',
  tool: 'h2load',
  limit: { atMost: 1.8 },
  setup: async (stage, originPort) => ({
    ...plainSetup(originPort),
    tls: await stage.certificate(),
  }),
  check: async (subjects) => {
    for (const { name, httpsPort } of subjects) {
      const { protocol } = await negotiate(httpsPort);
      if (protocol !== 'h2') throw new NotMeasurable(`${name} does not offer HTTP/2 by ALPN`);
    }
  },
  load: (stage) => (subject, seconds) =>
    h2load(stage, subject, '/v1/rates?base=EUR', { connections: 16, streams: 16, seconds }),
});
