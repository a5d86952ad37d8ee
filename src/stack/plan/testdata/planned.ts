import { parseConfig } from '../../../config/load.ts';
import { withNodes } from '../nodes.ts';

/** Two regions, a witness, one that has no voter; services that the stack starts and others. */
export const location = { latitude: 0, longitude: 0 };
export const document = {
  regions: {
    eu: { address: '127.0.2.1', location },
    us: { address: '127.0.1.1', bind: '127.0.1.9', location },
    watch: { address: '127.0.3.1', location, kind: 'witness' },
    far: { address: '127.0.4.1', location },
  },
  services: {
    rates: { endpoints: { eu: ['127.0.2.1:8101', '127.0.2.1:8102'], us: ['127.0.1.9:8101'] } },
    outside: { endpoints: { eu: ['127.0.0.1:3000'] } },
  },
  store: { engine: 'jetstream' },
  stack: {
    services: { rates: { command: ['node', 'rates.ts'], env: { MODE: 'test', PORT: '1' } } },
  },
};
export const { config } = parseConfig(JSON.stringify(document), 'test.yaml');

const { eu, us, watch } = document.regions;
/** Regions that can have several nodes. */
export const smaller = { ...document, regions: { eu, us: { ...us, bind: undefined }, watch } };
export const oneNode = parseConfig(JSON.stringify(smaller), 'test.yaml').config;
export const twoNodes = parseConfig(
  JSON.stringify(withNodes(smaller, oneNode, 2)),
  'test.yaml',
).config;
