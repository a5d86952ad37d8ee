/** One file that is made from the sources. `npm run generate` writes it, CI compares it. */
export interface Generator {
  /** From the root of the project. */
  readonly path: string;
  /** The whole content, the same for the same sources. */
  render(): string | Promise<string>;
}
