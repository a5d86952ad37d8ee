/** `meridian up --json` whose nodes are fake: FILE STATE LOOPBACK PORT-OFFSET READY-WITHIN-MS [NODES]. */
import { fileURLToPath } from 'node:url';
import { codeOf, messageOf } from '../../base/errors.ts';
import { jsonReporter } from '../json-reporter.ts';
import { up } from '../up.ts';

const [file = '', state = '', loopback, portOffset, readyWithinMs, nodes] = process.argv.slice(2);
try {
  await up({
    file,
    state,
    relocation: { loopback: Number(loopback), portOffset: Number(portOffset) },
    nodes: nodes === undefined ? undefined : Number(nodes),
    meridian: [process.execPath, fileURLToPath(new URL('./fake-node.ts', import.meta.url))],
    environment: process.env,
    reporter: jsonReporter((line) => console.log(line)),
    readyWithinMs: Number(readyWithinMs),
  });
} catch (error) {
  console.log(JSON.stringify({ event: 'error', code: codeOf(error), message: messageOf(error) }));
  process.exitCode = 1;
}
