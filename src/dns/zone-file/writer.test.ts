import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { commandPath, requireCommand } from '../../../test/support/requirements.ts';
import { DomainName, parseName } from '../wire/name.ts';
import { rdataOfBytes } from '../wire/records/from-wire.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { recordTypes, typeName } from '../wire/records/registry.ts';
import { formatProblems } from './problems.ts';
import { type WrittenSet, writeZoneFile } from './writer.ts';
import { checkZoneFile, type ZoneFile } from './zone-file.ts';

const origin = parseName('exchange.test');
const testdata = new URL('testdata/', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'meridian-zone-'));
after(() => rmSync(folder, { recursive: true }));

function parseGolden(name: string): ZoneFile {
  const text = readFileSync(new URL(name, testdata), 'utf8');
  const include = (file: string) => readFileSync(new URL(file, testdata), 'utf8');
  return checkZoneFile({ file: name, text, origin, include });
}

function setsOf({ zone }: ZoneFile): WrittenSet[] {
  return [...(zone?.nodes.values() ?? [])].flat();
}

/** `owner ttl type hex`, sorted: what a zone says, however it is written. */
function contentOf(sets: Iterable<WrittenSet>): string[] {
  return Array.from(sets, ({ owner, type, ttlSeconds, records }) =>
    records.map((data) => {
      const hex = rdataBytes(data).toString('hex');
      return `${owner.toString().toLowerCase()} ${ttlSeconds} ${typeName(type)} ${hex}`;
    }),
  )
    .flat()
    .sort();
}

test('a zone of all sorts, written in canonical order', () => {
  const parsed = parseGolden('exchange.zone');
  assert.equal(formatProblems(parsed.problems), '');
  const text = writeZoneFile(origin, setsOf(parsed));
  const golden = new URL('exchange.out.zone', testdata);
  if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

const label = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((octets) => Buffer.concat([Buffer.of(octets.length), octets]));
const owner = fc
  .array(label, { maxLength: 4 })
  .map((labels) => new DomainName(Buffer.concat([...labels, origin.wire])));
/** Octets that are data of the type, now and then. */
const data = fc.oneof(
  fc.record({ type: fc.constantFrom(65_280, 731), bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    type: fc.constantFrom(...recordTypes.map(({ code }) => code)),
    bytes: fc.uint8Array({ maxLength: 40 }),
  }),
  fc
    .array(label, { minLength: 1, maxLength: 4 })
    .map((labels) => ({ type: 16, bytes: Buffer.concat(labels) })),
  fc
    .array(label, { maxLength: 4 })
    .map((labels) => ({ type: 2, bytes: Buffer.concat([...labels, Buffer.of(0)]) })),
);

/** Without what no zone holds: an alias beside others, an SOA below the apex, a DS at it. */
function possibleSets(
  drawn: readonly { owner: DomainName; ttl: number; type: number; bytes: Uint8Array }[],
) {
  const sets = new Map<string, WrittenSet>();
  for (const { owner, ttl, type, bytes } of drawn) {
    if (type === 43 && owner.key === origin.key) continue;
    if (type === 5 || type === 6 || (type === 2 && owner.wire[1] === 0x2a)) continue;
    try {
      const records = [rdataOfBytes(type, Buffer.from(bytes))];
      sets.set(`${owner.key} ${type}`, { owner, type, ttlSeconds: ttl, records });
    } catch {
      // No data of this type.
    }
  }
  return [...sets.values()];
}

test('what is written is read back the same', () => {
  const record = fc
    .tuple(owner, fc.integer({ min: 0, max: 0x7fff_ffff }), data)
    .map(([owner, ttl, { type, bytes }]) => ({ owner, ttl, type, bytes }));
  let written = 0;
  fc.assert(
    fc.property(fc.array(record, { maxLength: 12 }), (drawn) => {
      const sets = possibleSets(drawn);
      written += sets.length;
      const text = writeZoneFile(origin, sets);
      const parsed = checkZoneFile({ file: 'z', text });
      const again = checkZoneFile({ file: 'z', text, origin });
      assert.equal(again.hasErrors, false, formatProblems(again.problems));
      assert.deepEqual(contentOf(setsOf(again)), contentOf(sets));
      assert.equal(writeZoneFile(origin, setsOf(again)), text);
      assert.equal(parsed.zone, undefined);
    }),
    { numRuns: 500 },
  );
  assert.ok(written > 1_000, `${written} sets are too few`);
});

/** What a tool makes of a file, as one record for each line with absolute names. */
function toolReads(command: string, file: string, zone: string): string {
  const program = commandPath(command)!;
  if (command === 'ldns-read-zone') return execFileSync(program, [file], { encoding: 'utf8' });
  const out = join(folder, 'out');
  const check = [
    '-q',
    '-i',
    'none',
    '-k',
    'ignore',
    '-n',
    'ignore',
    '-M',
    'ignore',
    '-S',
    'ignore',
  ];
  execFileSync(program, [...check, '-s', 'full', '-o', out, zone, file], {
    cwd: join(file, '..'),
    stdio: 'pipe',
  });
  return readFileSync(out, 'utf8');
}

for (const command of ['named-compilezone', 'ldns-read-zone']) {
  const options = { skip: requireCommand(command) ?? false };

  test(`${command} reads what we write as we do`, options, () => {
    const sets = setsOf(parseGolden('exchange.zone'));
    const file = join(folder, 'written.zone');
    writeFileSync(file, writeZoneFile(origin, sets));
    const text = toolReads(command, file, 'exchange.test');
    const again = checkZoneFile({ file: command, text, origin });
    assert.equal(again.hasErrors, false, formatProblems(again.problems));
    assert.deepEqual(contentOf(setsOf(again)), contentOf(sets));
  });
}

test('named-compilezone reads the golden zone as we do', {
  skip: requireCommand('named-compilezone') ?? false,
}, () => {
  for (const name of ['exchange.zone', 'exchange-hosts.zone']) {
    writeFileSync(join(folder, name), readFileSync(new URL(name, testdata)));
  }
  const text = toolReads('named-compilezone', join(folder, 'exchange.zone'), 'exchange.test');
  const theirs = checkZoneFile({ file: 'bind', text, origin });
  assert.equal(theirs.hasErrors, false, formatProblems(theirs.problems));
  assert.deepEqual(contentOf(setsOf(theirs)), contentOf(setsOf(parseGolden('exchange.zone'))));
});
