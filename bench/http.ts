import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchOptions } from './main.ts';
import { nginxOrigin, nginxProxy } from './nginx.ts';
import {
  freePort,
  loadCore,
  startPinned,
  stop,
  subjectCore,
  untilAnswering,
} from './pinned-process.ts';
import { treeCpuMicroseconds } from './process-cpu.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { drive } from './wrk.ts';

interface Subject {
  readonly name: 'meridian' | 'nginx';
  readonly url: string;
  readonly process: ChildProcess;
  readonly cpuPerRequest: number[];
  readonly perSecond: number[];
}

interface HttpReport {
  readonly bench: 'http';
  readonly case: 'plain';
  readonly machine: string;
  readonly rounds: number;
  readonly cpuMicrosecondsPerRequest: Readonly<Record<Subject['name'], Spread>>;
  readonly requestsPerSecond: Readonly<Record<Subject['name'], Spread>>;
  readonly ratio: Spread;
}

const body = JSON.stringify({ base: 'EUR', rates: { USD: '1.0842', JPY: '163.21' } }).padEnd(130);
const target = '/v1/rates?base=EUR';
const command = fileURLToPath(new URL('../bin/meridian.js', import.meta.url));

/**
 * One gateway thread beside nginx on the same work: routing, forwarding fields, request
 * id and metrics, no access log. Rounds alternate, and each gives one ratio of CPU time per
 * request (user + system, the whole process).
 */
export async function benchHttp(options: BenchOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'meridian-bench-'));
  const started: ChildProcess[] = [];
  const start = (core: number, program: readonly string[]) => {
    const child = startPinned(core, program);
    started.push(child);
    return child;
  };
  try {
    const originPort = await freePort();
    const origin = start(loadCore, nginxOrigin(directory, originPort, body));
    await untilAnswering(`http://127.0.0.1:${originPort}/`, origin);
    const subjects = [
      await startMeridian(directory, originPort, start),
      await startNginx(directory, originPort, start),
    ];
    const report = await measure(subjects, options);
    console.log(options.json ? JSON.stringify(report) : describe(report));
  } finally {
    await Promise.all(started.map(stop));
    rmSync(directory, { recursive: true, force: true });
  }
}

type Start = (core: number, program: readonly string[]) => ChildProcess;

async function startNginx(directory: string, origin: number, start: Start): Promise<Subject> {
  const port = await freePort();
  const child = start(subjectCore, nginxProxy(directory, port, origin));
  const url = `http://127.0.0.1:${port}${target}`;
  await untilAnswering(url, child);
  return { name: 'nginx', url, process: child, cpuPerRequest: [], perSecond: [] };
}

async function startMeridian(directory: string, origin: number, start: Start): Promise<Subject> {
  const [http, https, dns, admin, link] = await Promise.all(Array.from({ length: 5 }, freePort));
  const config = {
    regions: { here: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    ports: { http, https, dns, admin, link },
    threads: { gateway: 1, dns: 1 },
    accessLog: false,
    services: { rates: { endpoints: { here: [`127.0.0.1:${origin}`] } } },
    routes: [{ name: 'rates', prefix: '/v1', service: 'rates' }],
  };
  const path = join(directory, 'meridian.json');
  writeFileSync(path, JSON.stringify(config));
  const state = join(directory, 'state');
  const run = ['run', '--region', 'here', '--config', path, '--state', state];
  const child = start(subjectCore, [process.execPath, command, ...run]);
  const url = `http://127.0.0.1:${http}${target}`;
  await untilAnswering(url, child);
  return { name: 'meridian', url, process: child, cpuPerRequest: [], perSecond: [] };
}

async function measure(subjects: readonly Subject[], options: BenchOptions): Promise<HttpReport> {
  for (const subject of subjects) await drive(subject.url, options.connections, 2);
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? subjects : subjects.toReversed();
    for (const subject of order) await measureOnce(subject, options);
  }
  const [meridian, nginx] = subjects as [Subject, Subject];
  const ratios = meridian.cpuPerRequest.map((cpu, round) => cpu / nginx.cpuPerRequest[round]!);
  return {
    bench: 'http',
    case: 'plain',
    machine: `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}`,
    rounds: options.rounds,
    cpuMicrosecondsPerRequest: {
      meridian: spreadOf(meridian.cpuPerRequest),
      nginx: spreadOf(nginx.cpuPerRequest),
    },
    requestsPerSecond: { meridian: spreadOf(meridian.perSecond), nginx: spreadOf(nginx.perSecond) },
    ratio: spreadOf(ratios),
  };
}

async function measureOnce(subject: Subject, options: BenchOptions): Promise<void> {
  const pid = subject.process.pid!;
  const before = treeCpuMicroseconds(pid);
  const { requests, perSecond } = await drive(subject.url, options.connections, options.seconds);
  subject.cpuPerRequest.push((treeCpuMicroseconds(pid) - before) / requests);
  subject.perSecond.push(perSecond);
}

function describe(report: HttpReport): string {
  const line = (name: string, { median, q1, q3 }: Spread, digits: number) =>
    `  ${name.padEnd(10)}${median.toFixed(digits).padStart(9)}   (${q1.toFixed(digits)} … ${q3.toFixed(digits)})`;
  const { cpuMicrosecondsPerRequest: cpu, requestsPerSecond: rate } = report;
  return [
    `HTTP/1.1 proxy, plain: ${report.rounds} alternating rounds, medians (quartiles)`,
    report.machine,
    'CPU µs per request',
    line('meridian', cpu.meridian, 1),
    line('nginx', cpu.nginx, 1),
    'requests per second',
    line('meridian', rate.meridian, 0),
    line('nginx', rate.nginx, 0),
    'CPU per request, meridian ÷ nginx',
    line('ratio', report.ratio, 2),
  ].join('\n');
}
