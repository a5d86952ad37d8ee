/** Names of DNS in their text form: what a configuration may say, not the wire. */

/** Of the text without its final dot: 255 octets less the first length and the root. */
const maximumCharacters = 253;
const maximumLabel = 63;

/** Letters, digits and what else RFC 1035, section 5.1, lets stand without an escape. */
const label = /^[!#%&'*+,\-/0-9:<=>?A-Z[\]^_`a-z{|}~]+$/;

/** What is wrong with an absolute name, or `undefined`. `name` ends without a dot. */
export function nameProblem(name: string): string | undefined {
  if (name.length > maximumCharacters) {
    return `the name is ${name.length + 2} octets long, and 255 is the limit`;
  }
  for (const part of name.split('.')) {
    if (part === '') return 'the name has an empty label';
    if (part.length > maximumLabel) {
      return `a label is ${part.length} octets long, and 63 is the limit`;
    }
    if (!label.test(part)) return `${JSON.stringify(part)} is not a label of a name`;
  }
  return undefined;
}

/**
 * The absolute name, in lower case and without its final dot, that `text` stands for in
 * a zone: as in RFC 1035, section 5.1, `@` is the zone itself and a name without a final
 * dot is relative to it.
 */
export function absoluteName(text: string, zone: string): string {
  if (text === '@') return zone;
  const name = text.toLowerCase();
  return name.endsWith('.') ? name.slice(0, -1) : `${name}.${zone}`;
}

export function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}
