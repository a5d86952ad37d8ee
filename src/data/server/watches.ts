import { MeridianError } from '../../base/errors.ts';
import type { DataProblemCode } from './problems.ts';

/** A watch that is open. */
interface OpenWatch {
  readonly service: string;
  readonly bucket: string;
  /** Ends it with a word to the client. */
  end(code: 'closed' | 'bucket_unknown'): void;
}

export interface WatchLimits {
  readonly ofService: number;
  readonly ofAll: number;
}

/** Those that are open, so many at most. */
export class Watches {
  readonly #limits: WatchLimits;
  readonly #open = new Set<OpenWatch>();

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#open.size;
  }

  /** @returns what takes it away. @throws MeridianError `too_many_watches` */
  add(watch: OpenWatch): () => void {
    const { ofService, ofAll } = this.#limits;
    const own = [...this.#open].filter(({ service }) => service === watch.service).length;
    if (own >= ofService || this.#open.size >= ofAll) {
      const whose = own >= ofService ? `${watch.service} has ${own}` : 'there are as many';
      throw new MeridianError<DataProblemCode>(
        'too_many_watches',
        `${whose} watches open; close one, or watch a shorter prefix once`,
      );
    }
    this.#open.add(watch);
    return () => void this.#open.delete(watch);
  }

  /** Ends those that may not go on. */
  endWhere(
    condition: (service: string, bucket: string) => boolean,
    code: 'closed' | 'bucket_unknown',
  ): void {
    for (const watch of [...this.#open]) {
      if (condition(watch.service, watch.bucket)) watch.end(code);
    }
  }
}
