import type { StackReporter } from './reporter.ts';

/** Tells a program: one JSON object per line. */
export function jsonReporter(write: (line: string) => void): StackReporter {
  const tell = (event: string, facts: object) => write(JSON.stringify({ event, ...facts }));
  return {
    leftoversEnded: (count, directory) => tell('leftoversEnded', { count, directory }),
    ready: ({ config: { regions, ports }, file, layout, degraded, refused, readyMs }) => {
      const { directory } = layout;
      tell('ready', { directory, file, readyMs, regions, ports, degraded, refused });
    },
    exited: ({ id, logPath }, exit) => tell('exited', { process: id, logPath, ...exit }),
    asked: (request, outcome) => tell('asked', { request, ...outcome }),
    rolled: (step) => tell('rolled', step),
    stopping: (reason) => tell('stopping', { reason }),
    stopped: (processes, elapsedMs) => tell('stopped', { processes, elapsedMs }),
  };
}
