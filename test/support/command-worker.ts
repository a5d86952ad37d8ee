import { runCommand } from '../../src/cli/program.ts';
import { serveCommands } from './command-thread.ts';

serveCommands(runCommand);
