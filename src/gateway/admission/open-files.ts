import { readFileSync } from 'node:fs';

/** Where the system does not tell. */
const assumedOpenFiles = 1_024;
/** For everything of a node but the data plane: admin, probes, links, name service, files. */
const reservedOpenFiles = 256;

/** How many files (sockets included) this process may have open: its soft limit. */
export function openFileLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.MAX_SAFE_INTEGER);
  } catch {
    return assumedOpenFiles;
  }
}

/** How many connections one thread may have. */
export interface ConnectionLimits {
  /** Of all kinds together. */
  readonly connections: number;
  /** Accepted from clients. */
  readonly clientConnections: number;
  /** Accepted from other regions. */
  readonly linkConnections: number;
}

/**
 * A thread's share of the open files, less the reserve. Clients may take seven eighths of it; a
 * twentieth is for other regions, so that no crowd of clients keeps them out; what is left can
 * always be had for connections to upstreams, which may also take what clients do not:
 *
 *   ├── clients, at most 7/8  ──────────────────▶      ◀─── to upstreams ─┼ regions, 1/20 ┤
 */
export function connectionLimits(openFiles: number, threads: number): ConnectionLimits {
  const reserve = Math.min(reservedOpenFiles, Math.floor(openFiles / 4));
  const connections = Math.floor((openFiles - reserve) / threads);
  return {
    connections,
    clientConnections: Math.max(4, Math.floor((connections / 8) * 7)),
    linkConnections: Math.max(4, Math.floor(connections / 20)),
  };
}

/**
 * The open files that the connections of a thread may take, whatever their kind. A request in
 * flight takes two, one to its client and one to its upstream; an idle connection takes one,
 * and gives way when there is no room: a crowd of idle clients never keeps a request from its
 * upstream. To run out for good, half of the connections must be at work.
 */
export class OpenFiles {
  readonly #maximum: number;
  readonly #reclaim: () => boolean;
  #taken = 0;

  /** `reclaim` closes connections that wait for nothing in particular; false: there are none. */
  constructor(maximum: number, reclaim: () => boolean) {
    this.#maximum = maximum;
    this.#reclaim = reclaim;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Makes room for one more, if there is none. False: everything is at work. */
  hasRoom(): boolean {
    return this.#taken < this.#maximum || (this.#reclaim() && this.#taken < this.#maximum);
  }

  take(): void {
    this.#taken++;
  }

  give(): void {
    this.#taken--;
  }
}
