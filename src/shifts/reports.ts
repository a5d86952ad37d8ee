import { readAll } from '../revisions/acknowledgements.ts';
import { Fields } from '../revisions/fields.ts';
import { invalidReport } from '../revisions/parse.ts';
import { type NodeReport, parseReport } from '../revisions/reports.ts';
import type { Bucket } from '../store/store.ts';
import type { CountsByNode, NodeSides } from './counts.ts';
import { nodeSidesOf } from './parse.ts';

const mostShifts = 100;

/** What a node says of itself, with what it counts of shifts that are in force, by their ids. */
export interface ShiftReport extends NodeReport {
  readonly shifts: Readonly<Record<string, NodeSides>>;
}

/** @throws RevisionError `report_invalid` */
export function parseShiftReport(bytes: Uint8Array, storeRevision: number): ShiftReport {
  const report = parseReport(bytes, storeRevision);
  const fields = Fields.ofJson(bytes, '', invalidReport);
  return {
    ...report,
    shifts:
      fields.optional('shiftCounts', (name) =>
        Object.fromEntries(
          fields.entries(name, mostShifts).map(([id, sides]) => [id, sidesIn(sides)]),
        ),
      ) ?? {},
  };
}

/** What cannot be read here makes the report one of a node that says nothing. */
function sidesIn(fields: Fields): NodeSides {
  try {
    return nodeSidesOf(fields);
  } catch {
    return invalidReport('shiftCounts');
  }
}

export function readShiftReports(bucket: Bucket): Promise<readonly ShiftReport[]> {
  return readAll(bucket, parseShiftReport);
}

/** By node, of those that count the shift. */
export function countsOf(reports: readonly ShiftReport[], id: string): CountsByNode {
  return Object.fromEntries(
    reports.flatMap(({ region, node, shifts }) => {
      const sides = Object.hasOwn(shifts, id) ? shifts[id] : undefined;
      return sides ? [[`${region}.${node}`, sides] as const] : [];
    }),
  );
}
