/*
 * The log `history` of region `eu` is the stream `DATA_history` in the JetStream domain `eu`,
 * with the subjects `$DATA.eu.history.>`. The region stands in them, so that no message goes
 * to the stream of the same name in another region by itself, whatever the rights are.
 */
export function logStream(name: string): string {
  return `DATA_${name}`;
}

export function logSubject(region: string, name: string, subject: string): string {
  return `$DATA.${region}.${name}.${subject}`;
}

/** The head of a message. */
export const headField = 'Meridian-Head';
