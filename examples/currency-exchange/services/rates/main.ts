import { runService } from '../run-service.ts';
import { createRates } from './rates.ts';

await runService('rates', createRates);
