import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueServerCertificate } from '../../src/link/authority.ts';
import type { Cores } from './cores.ts';
import { Program } from './program.ts';

/** Names of PEM files. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly both: string;
}

/** Where one case is played: a directory and the programs that run for it. */
export class Stage implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'meridian-bench-'));
  readonly cores: Cores;
  readonly #programs: Program[] = [];

  constructor(cores: Cores) {
    this.cores = cores;
    process.on('exit', this.#leave);
  }

  /** Starts a program under test. */
  startSubject(name: string, command: readonly string[]): Program {
    return this.#start(this.cores.subject, name, command);
  }

  /** Starts what serves or drives the programs under test. */
  startBeside(name: string, command: readonly string[]): Program {
    return this.#start(this.cores.load, name, command);
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** A P-256 certificate for `localhost`. */
  async certificate(): Promise<CertificateFiles> {
    const authority = await createAuthority();
    const { cert, key } = await issueServerCertificate(authority, ['localhost'], ['127.0.0.1']);
    return {
      certificate: this.write('certificate.pem', cert),
      key: this.write('key.pem', key),
      both: this.write('both.pem', `${cert}\n${key}`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    process.off('exit', this.#leave);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** When the bench itself is told to end. */
  readonly #leave = (): void => {
    for (const program of this.#programs) program.kill();
    rmSync(this.directory, { recursive: true, force: true });
  };

  #start(core: number, name: string, command: readonly string[]): Program {
    const program = new Program(core, command, join(this.directory, `${name}.log`));
    this.#programs.push(program);
    return program;
  }
}

/** Ports of 127.0.0.1 that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}
