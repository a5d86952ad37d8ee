import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { configSchema } from '../src/config/schema/config.ts';
import { compileTopology } from '../src/config/topology.ts';
import { createHealth } from '../src/health/create-health.ts';
import { HealthTable, healthy } from '../src/health/table.ts';

export interface ChecksOptions {
  readonly quick: boolean;
  /** How long is measured. */
  readonly seconds: number | undefined;
  readonly json: boolean;
}

const checks = 20_000;
const intervalSeconds = 10;
/** Two successes of each, and some time to spare. */
const startUpLimitMs = 60_000;

/** What 20,000 checks by TCP cost one node, as a share of one core. */
export async function benchChecks({ quick, seconds, json }: ChecksOptions): Promise<void> {
  const targets = fork(join(import.meta.dirname, 'checks', 'targets.ts'));
  const [port] = (await once(targets, 'message')) as [number];
  const { health, up } = observe(port);
  const startUp = measure();
  health.start();
  const limitMs = performance.now() + startUpLimitMs;
  while (up() < checks && performance.now() < limitMs) await sleep(500);
  const startUpCores = startUp();
  const steady = measure();
  await sleep((seconds ?? (quick ? 10 : 30)) * 1_000);
  const steadyCores = steady();
  const found = up();
  health.close();
  targets.kill();
  if (json) {
    console.log(JSON.stringify({ checks, intervalSeconds, up: found, startUpCores, steadyCores }));
    return;
  }
  const microsPerCheck = (steadyCores * intervalSeconds * 1e6) / checks;
  console.log(
    `${found} of ${checks} checks healthy, each probed every ${intervalSeconds} s: ` +
      `${percent(steadyCores)} of a core, ${microsPerCheck.toFixed(0)} µs each ` +
      `(${percent(startUpCores)} until all were healthy)`,
  );
}

/** A node with a target of its own for each check: every address of 127/8 leads to the same. */
function observe(port: number) {
  const checkOf = (i: number) => ({
    type: 'tcp',
    host: `127.1.${i >> 8}.${i & 255}`,
    port,
    interval: `${intervalSeconds}s`,
    timeout: '5s',
    recoveries: 2,
  });
  const config = configSchema.parse({
    regions: { here: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    ports: { http: port },
    checks: Object.fromEntries(Array.from({ length: checks }, (_, i) => [`c${i}`, checkOf(i)])),
  });
  const topology = compileTopology(config);
  const table = new HealthTable(topology);
  const own = { region: 'here', node: 'here' };
  const health = createHealth({ config, topology, table, clock: systemClock, ...own });
  const up = () => topology.checks.filter(({ index }) => table.check(index) === healthy).length;
  return { health, up };
}

/** Returns a function that tells how many cores this process has used since. */
function measure(): () => number {
  const from = process.cpuUsage();
  const fromMs = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1_000 / (performance.now() - fromMs);
  };
}

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
