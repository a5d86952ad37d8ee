/** The top bit is to be clear (RFC 2181 8). */
export const maximumTtlSeconds = 0x7fff_ffff;

const unitSeconds: Readonly<Record<string, number>> = {
  w: 604_800,
  d: 86_400,
  h: 3_600,
  m: 60,
  s: 1,
};

/** A time in seconds, or in BIND's units: `1h30m`, `2W`. `undefined`: it is none, or too long. */
export function parseTtl(text: string): number | undefined {
  let seconds = 0;
  if (/^\d{1,10}$/.test(text)) seconds = Number(text);
  else if (/^(?:\d{1,10}[wdhms])+$/i.test(text)) {
    for (const [, count, unit] of text.toLowerCase().matchAll(/(\d+)([wdhms])/g)) {
      seconds += Number(count) * unitSeconds[unit!]!;
    }
  } else return undefined;
  return seconds <= maximumTtlSeconds ? seconds : undefined;
}
