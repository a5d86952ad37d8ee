/** One operation that is timed again and again. What it returns is of no interest. */
export interface MicroCase {
  /** `router: 10,000 routes`. */
  readonly name: string;
  /** Name of the case that it is compared with; default: the yardstick. */
  readonly beside?: string;
  run(): unknown;
}
