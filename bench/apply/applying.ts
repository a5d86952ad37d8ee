import { type RegionName, regionNames } from '../../test/support/stack.ts';
import { Clients } from './clients.ts';
import type { Applied, Deployment } from './deployment.ts';
import { type Document, marked } from './example.ts';

/** One revision; times count from just before the request to apply it. */
export interface Step {
  /** Whose admin API was asked. */
  readonly region: RegionName;
  readonly applied: Applied;
  /** Until the request was answered: the store has it. */
  readonly acceptedMs: number;
  /** Until every connection to every region had been served by its new route. */
  readonly visibleMs: number;
}

const connectionsPerRegion = 2;

/** Applies one revision after the other, through each region in turn. */
export class Applying {
  readonly deployment: Deployment;
  readonly #clients: Clients;
  #marks = 0;
  /** The content of the next one, but for the route that marks it. */
  document: Document;

  private constructor(deployment: Deployment, clients: Clients) {
    this.deployment = deployment;
    this.#clients = clients;
    this.document = deployment.document;
  }

  static async start(deployment: Deployment): Promise<Applying> {
    const addresses = regionNames.map((region) => deployment.stack.address(region));
    return new Applying(deployment, await Clients.start(addresses, connectionsPerRegion));
  }

  /** One route more or changed, and what `document` was set to. */
  async apply(): Promise<Step> {
    const mark = ++this.#marks;
    const region = regionNames[mark % regionNames.length]!;
    const document = marked(this.document, mark);
    await this.#clients.watch(mark);
    const applied = await this.deployment.apply(region, document);
    const seenMs = Math.max(...Object.values(await this.#clients.seen()));
    this.document = document;
    const { startedMs, answeredMs } = applied;
    const acceptedMs = answeredMs - startedMs;
    return { region, applied, acceptedMs, visibleMs: seenMs - startedMs };
  }

  /** Until `/config/progress` says that all nodes have acknowledged it. */
  async acknowledged({ region, applied }: Step): Promise<number> {
    return (await this.deployment.acknowledged(region, applied)) - applied.startedMs;
  }

  close(): Promise<void> {
    return this.#clients.close();
  }
}
