/** Deeper than any configuration. */
const deepest = 64;

/**
 * Reads a JSON object as `readYaml` would, ten thousand routes in 10 ms instead of 400.
 * `undefined`: it is none, or one with which something is wrong that YAML's reader can tell.
 */
export function readJson(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // Of a key that is given twice the last would be taken in silence.
  return keysIn(value, 0) === keysWritten(text) ? value : undefined;
}

/** NaN where it is nested too deeply. */
function keysIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > deepest) return Number.NaN;
  const parts: readonly unknown[] = Object.values(value);
  let keys = Array.isArray(value) ? 0 : parts.length;
  for (const part of parts) keys += keysIn(part, depth + 1);
  return keys;
}

/** In valid JSON a key is a string with a colon behind it. */
function keysWritten(json: string): number {
  let keys = 0;
  for (let start = json.indexOf('"'); start !== -1; ) {
    const end = endOfString(json, start);
    let next = end + 1;
    while (json.charCodeAt(next) <= 0x20) next++;
    if (json[next] === ':') keys++;
    start = json.indexOf('"', next);
  }
  return keys;
}

/** Its closing quote: one that no odd number of backslashes stands before. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let first = end;
    while (json[first - 1] === '\\') first--;
    if ((end - first) % 2 === 0) return end;
  }
}
