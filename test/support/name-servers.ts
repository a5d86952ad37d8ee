import { createDnsClient, type DnsClient } from '../../src/dns/client.ts';
import { clientNear, type RegionName, regionNames, type TestStack } from './stack.ts';

/** The name servers of a stack, asked as clients near each region would. */
export class NameServers {
  readonly #stack: TestStack;
  readonly #clients = new Map<RegionName, DnsClient>();

  constructor(stack: TestStack) {
    this.#stack = stack;
    for (const region of regionNames) {
      this.#clients.set(region, createDnsClient({ server: stack.address(region), port: 5300 }));
    }
  }

  /** The regions that the name server of `server` sends clients near `near` to. */
  async ask(server: RegionName, host: string, near: RegionName): Promise<string[]> {
    const question = { name: host, type: 'A', subnet: clientNear[near], timeoutMs: 15_000 };
    const { answers } = await this.#clients.get(server)!.lookup(question);
    return answers.map(
      ({ data }) => regionNames.find((region) => this.#stack.address(region) === data) ?? data,
    );
  }

  /** True when every name server asked answers as `expected`; one that does not answer is none. */
  async all(
    host: string,
    near: RegionName,
    expected: (answer: readonly string[]) => boolean,
    servers: readonly RegionName[] = regionNames,
  ): Promise<boolean> {
    const asked = servers.map((server) => this.ask(server, host, near).catch(() => undefined));
    return (await Promise.all(asked)).every((answer) => answer !== undefined && expected(answer));
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}
