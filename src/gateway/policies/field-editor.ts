import { MeridianError } from '../../base/errors.ts';
import { findField } from '../http1/fields.ts';
import { foldedName } from '../http1/name-set.ts';
import { fieldLine } from '../http1/serialise.ts';
import { isGatewayField } from '../http1/strip.ts';

/**
 * The fields of a message on its way through. Names are compared without regard to case. What
 * replaces or leaves out a field also leaves out names that differ in `_`, `.` and `-` only:
 * services that make variables of names cannot tell `X_Tenant` of a client from `X-Tenant`.
 */
export interface FieldEditor {
  /** The first value of that name. */
  get(name: string): string | undefined;
  /** All values of that name, in order. */
  all(name: string): string[];
  /**
   * Replaces all fields of that name by one.
   *
   * @throws MeridianError `field_not_editable`, where framing or who is behind a request is
   *   told by the gateway itself; `unsafe_head` for what is no field
   */
  set(name: string, value: string): void;
  /** Adds one. @throws as `set` */
  add(name: string, value: string): void;
  /** Leaves out all of that name. @throws MeridianError `field_not_editable` */
  delete(name: string): void;
}

/**
 * Edits in two parts, since they leave by different ways: what was received, less what is
 * left out (and later less what is hop-by-hop or forged), and lines of our own, which
 * nothing that was received can take away:
 *
 *   received  ──delete──▶ kept      ──strip──▶ ┐
 *                         added lines ────────▶ ┴ the message
 */
export class EditedFields implements FieldEditor {
  /** name, value, name, value … of what was received and is kept. */
  kept: readonly string[];
  #added: string[] = [];
  /** Folded names of what was replaced or left out. */
  readonly #edited: string[] = [];

  constructor(received: readonly string[]) {
    this.kept = received;
  }

  /** Lines to go along, each with CRLF. */
  get lines(): string {
    let lines = '';
    for (let at = 0; at < this.#added.length; at += 2) {
      lines += `${this.#added[at]}: ${this.#added[at + 1]}\r\n`;
    }
    return lines;
  }

  get(name: string): string | undefined {
    const lower = name.toLowerCase();
    return findField(this.kept, lower) ?? findField(this.#added, lower);
  }

  all(name: string): string[] {
    const lower = name.toLowerCase();
    return [...valuesOf(this.kept, lower), ...valuesOf(this.#added, lower)];
  }

  set(name: string, value: string): void {
    this.delete(name);
    this.add(name, value);
  }

  add(name: string, value: string): void {
    assertEditable(name);
    fieldLine(name, value);
    this.#added.push(name, value);
  }

  delete(name: string): void {
    assertEditable(name);
    const folded = foldedName(name);
    this.kept = without(this.kept, folded);
    this.#added = without(this.#added, folded);
    if (!this.#edited.includes(folded)) this.#edited.push(folded);
  }

  /** The trailers of the same message, less those that some recipients would take for such a field. */
  trailersOf(received: readonly string[]): readonly string[] {
    return this.#edited.reduce((trailers, folded) => without(trailers, folded), received);
  }
}

/** @throws MeridianError `field_not_editable` */
export function assertEditable(name: string): void {
  if (!isGatewayField(name)) return;
  const message = `the field ${JSON.stringify(name.slice(0, 128))} is written by the gateway itself`;
  throw new MeridianError('field_not_editable', message);
}

function valuesOf(fields: readonly string[], lower: string): string[] {
  const isNamed = (at: number) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === lower;
  return fields.filter((_, at) => isNamed(at));
}

/** The same list where there is nothing of that name. */
function without<Fields extends readonly string[]>(
  fields: Fields,
  folded: string,
): Fields | string[] {
  let kept: string[] | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!;
    if (name.length === folded.length && foldedName(name) === folded) {
      kept ??= fields.slice(0, at);
    } else kept?.push(name, fields[at + 1]!);
  }
  return kept ?? fields;
}
