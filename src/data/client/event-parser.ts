/** One server-sent event; `undefined` for what was not there. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

const mostCharacters = 4 * 1024 * 1024;

/** Takes server-sent events out of a text that comes in parts (HTML, section 9.2.6). */
export class EventParser {
  #text = '';
  #event = 'message';
  #id: string | undefined;
  #data: string[] = [];

  /** The events that are whole with this part. @throws RangeError: one has no end */
  take(part: string): ServerEvent[] {
    this.#text += part;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    if (this.#text.length > mostCharacters) throw new RangeError('an event without an end');
    return lines.flatMap((line) => this.#line(line.replace(/\r$/, '')));
  }

  #line(line: string): ServerEvent[] {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'id') this.#id = value;
    else if (name === 'data') this.#data.push(value);
    return [];
  }

  #end(): ServerEvent[] {
    const isEmpty = this.#data.length === 0;
    const told = { event: this.#event, id: this.#id, data: this.#data.join('\n') };
    this.#event = 'message';
    this.#id = undefined;
    this.#data = [];
    return isEmpty ? [] : [told];
  }
}
