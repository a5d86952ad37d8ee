/** What a node says of a configuration file that it could not take up, and serves in spite of. */
export function fileRefusal(reason: string): string {
  return `the configuration file was refused: ${reason}`;
}
