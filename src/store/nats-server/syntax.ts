/*
 * The configuration language of nats-server: `name: value`, blocks in braces, lists in
 * brackets, `$NAME` for a variable of the environment.
 */

/** Lines of a block, indented. A block in a list has no name. */
export function block(name: string, ...inside: readonly string[]): string[] {
  return [`${name} {`.trimStart(), ...inside.map((line) => `  ${line}`), '}'];
}

export function list(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`;
}

/** A list with one text per line, for long ones. */
export function longList(name: string, texts: readonly string[]): string[] {
  return [`${name}: [`, ...texts.map((text) => `  ${quote(text)}`), ']'];
}

export function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

/**
 * A double-quoted string. Its escapes are `\\`, `\"`, `\t`, `\n`, `\r` and `\xHH`; nothing
 * else may follow a backslash.
 */
export function quote(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, (character) => `\\${character}`)
    .replace(/[\x00-\x1f\x7f]/g, (character) => {
      return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`;
    });
  return `"${escaped}"`;
}
