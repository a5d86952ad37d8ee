import { enableCompileCache } from 'node:module';

// Before anything else is loaded, so that it applies: commands start from compiled code.
enableCompileCache();
const { runCommand } = await import('./program.ts');
await runCommand(process.argv);
