import type { ControlRequest } from '../stack/control/protocol.ts';
import type { ProcessExit, ProcessSpec } from '../stack/processes/stack-process.ts';
import type { StackReporter } from '../stack/reporter.ts';
import { announce } from './announcement.ts';
import { commandName, findOnPath, stateFlag } from './command-name.ts';
import { describeStep } from './operate.ts';
import { counted, print } from './output.ts';

/** Sentences for a person at a terminal. */
export function peopleReporter(): StackReporter {
  const command = commandName();
  let flag = '';
  return {
    leftoversEnded: (count, directory) =>
      print(`ended ${counted(count, 'process')} that a killed supervisor had left on ${directory}`),
    ready({ layout: { directory }, ...facts }) {
      flag = stateFlag(directory);
      const tools = {
        curl: findOnPath('curl') !== undefined,
        dig: findOnPath('dig') !== undefined,
      };
      print(announce({ ...facts, directory, command, stateFlag: flag, tools }));
    },
    exited(spec, exit) {
      const restart = `${command} ${startCommand(spec)}${flag}`;
      print(`${spec.id} ended (${describeExit(exit)}), log ${spec.logPath}; start it: ${restart}`);
    },
    asked(request, { changed, unchanged }) {
      const done =
        changed.length > 0 ? changed.join(', ') : `nothing to do for ${unchanged.length}`;
      print(`${describeRequest(request)}: ${done}`);
    },
    rolled: (step) => print(describeStep(step)),
    stopping: (reason) => print(`\nending the stack: ${reason}`),
    stopped: (count, elapsedMs) =>
      print(`${counted(count, 'process')} ended in ${(elapsedMs / 1_000).toFixed(1)} s`),
  };
}

export function describeExit({ code, signal, error }: ProcessExit): string {
  return error ?? (signal === null ? `exit code ${code}` : signal);
}

/** As it was typed: `region kill eu-west-1`. */
function describeRequest(request: ControlRequest): string {
  const words = ['operation', 'action', 'region', 'node', 'service'];
  const fields: Readonly<Record<string, unknown>> = request;
  return words.flatMap((word) => fields[word] ?? []).join(' ');
}

/** The command, without the program, that brings a process back. */
function startCommand({ kind, region, node, service }: ProcessSpec): string {
  if (kind === 'service') return `service start ${region} ${service}`;
  if (kind !== 'node') return `store start ${region}`;
  return node === undefined ? `region start ${region}` : `node start ${region} ${node}`;
}
