import { ClientAddress } from './client-address.ts';

/** How many of something each source has. Only those that have one are remembered. */
export class SourceCounts {
  readonly #counts = new Map<string, number>();
  readonly #address = new ClientAddress();

  /** The address, of IPv6 its first half: a client has the other half to choose from. */
  sourceOf(address: string): string {
    this.#address.read(address);
    return Buffer.from(this.#address.address.subarray(0, 8)).toString('latin1');
  }

  of(source: string): number {
    return this.#counts.get(source) ?? 0;
  }

  add(source: string): void {
    this.#counts.set(source, this.of(source) + 1);
  }

  remove(source: string): void {
    const left = this.of(source) - 1;
    if (left > 0) this.#counts.set(source, left);
    else this.#counts.delete(source);
  }
}
