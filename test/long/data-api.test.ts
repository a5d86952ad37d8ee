import { after, before, describe } from 'node:test';
import { DataStack } from '../support/data-stack.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { changeTests } from './data-api/changes.ts';
import { refusalTests } from './data-api/refusals.ts';
import { valueTests } from './data-api/values.ts';

describe('the data API of three regions on real servers', { skip: requireNatsServer() }, () => {
  let world: DataStack;
  before(async () => {
    world = await DataStack.start({
      ledger: { consistency: 'sync', maximumValue: '512KiB' },
      history: { consistency: 'async', maximumValue: '512KiB' },
      full: { consistency: 'sync', maximumSize: '64KiB' },
      'full-async': { consistency: 'async', maximumSize: '64KiB' },
      near: { consistency: 'async', residency: ['us-east-1'] },
    });
    await world.formed();
  });
  after(() => world?.stack.stop());

  valueTests(() => world);
  refusalTests(() => world);
  changeTests(() => world);
});
