import { runService } from '../run-service.ts';
import { createConvert } from './convert.ts';

await runService('convert', createConvert);
