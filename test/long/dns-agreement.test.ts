import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileDnsData } from '../../src/dns/server/data.ts';
import { QueryOrigin } from '../../src/dns/server/query-origin.ts';
import { Responder } from '../../src/dns/server/responder.ts';
import { createExchange } from '../../src/dns/testdata/exchange.ts';
import {
  pick,
  randomName,
  randomZone,
  randomZoneTypes,
  xorShift,
} from '../../src/dns/testdata/random-zone.ts';
import { decodeMessage, type Message, type MessageRecord } from '../../src/dns/wire/message.ts';
import { parseName } from '../../src/dns/wire/name.ts';
import { encodeQuery } from '../../src/dns/wire/query-writer.ts';
import { recordTypes, typeCode } from '../../src/dns/wire/records/registry.ts';
import { type OtherNameServer, startNameServer } from '../support/other-name-servers.ts';
import { requireCommand } from '../support/requirements.ts';

/**
 * By hand: DNS_QUERIES=1000000 for each server, and other DNS_SEEDs. One difference is known and is
 * Knot's (3.2): a chain that comes through one DNAME again and again ends there one step early, and
 * without the proof of absence (seed 1621979531).
 */
const queries = Number(process.env.DNS_QUERIES ?? 60_000);
const seed = Number(process.env.DNS_SEED ?? 774_231_247);
const zones = 30;
const window = 100;
/** Those that zones have are asked for more often. */
const types = [
  ...randomZoneTypes,
  ...randomZoneTypes,
  ...recordTypes.map(({ name }) => name),
  'TYPE731',
];

for (const [program, name] of [
  ['knotd', 'Knot'],
  ['nsd', 'NSD'],
] as const) {
  test(`${queries} questions have the same answer in ${name} (seed ${seed})`, {
    skip: requireCommand(program),
  }, async (t) => {
    const random = xorShift(seed);
    const files = new Map(
      Array.from({ length: zones }, (_, index) => {
        const zone = `z${index}.test`;
        return [zone, randomZone(zone, random, { withDname: index % 2 === 0 })] as const;
      }),
    );
    const other = await startNameServer(program, files);
    t.after(() => other.close());
    const responder = createResponder(files);
    const outcomes = new Map<string, number>();
    for (let asked = 0; asked < queries; asked += window) {
      for (const outcome of await compare(files, responder, other, random, asked)) {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    t.diagnostic([...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(', '));
    // What would not be asked would not be compared.
    for (const outcome of ['answer', 'alias', 'absence', 'no name', 'referral', 'redirect']) {
      assert.ok((outcomes.get(outcome) ?? 0) > queries / 100, outcome);
    }
  });
}

function createResponder(files: ReadonlyMap<string, string>): Responder {
  const configured = [...files].map(([zone, text]) => {
    return [zone, { file: zone, contents: { [zone]: text } }] as const;
  });
  return new Responder(compileDnsData(createExchange(Object.fromEntries(configured)).options));
}

/** Asks both as many questions as fit the window, after those `asked`; what they came to. */
async function compare(
  files: ReadonlyMap<string, string>,
  responder: Responder,
  other: OtherNameServer,
  random: () => number,
  asked: number,
): Promise<string[]> {
  const zoneNames = [...files.keys()];
  const batch = Array.from({ length: window }, (_, index) => {
    const zone = pick(zoneNames, random);
    const below = random() < 0.05 ? '' : `${randomName(random, 5)}.`;
    const text = randomCase(`${below}${zone}`, random);
    const type = pick(types, random);
    const id = (asked + index) % 10_000;
    const query = encodeQuery({ id, name: parseName(text), type: typeCode(type)! });
    return { zone, text, type, query };
  });
  const theirs = await Promise.all(batch.map(({ query }) => other.ask(query)));
  return batch.map(({ zone, text, type, query }, index) => {
    const ours = answerOf(responder, query);
    const question = `seed ${seed}: ${text} ${type} in\n${files.get(zone)}`;
    compareAnswers(ours, theirs[index]!, zone, files.get(zone)!, question);
    return outcomeOf(ours);
  });
}

const output = Buffer.alloc(65_535);
const origin = new QueryOrigin('udp', '127.0.0.1');

function answerOf(responder: Responder, query: Buffer): Message {
  const length = responder.respond(query, query.length, origin, output);
  return decodeMessage(Buffer.from(output.subarray(0, length)));
}

function compareAnswers(
  ours: Message,
  theirs: Message,
  zone: string,
  file: string,
  question: string,
): void {
  // NSD tells of the servers of the zone beside every answer.
  const isExtra = ({ name, type }: MessageRecord) => type === 'NS' && name.toLowerCase() === zone;
  const authority = theirs.authority.filter((record) => !isExtra(record));
  assert.deepEqual(summary(ours), summary({ ...theirs, authority }), question);
  // Others also give addresses that only a wildcard stands for, which nobody needs.
  const owners = new Set(file.split('\n').map((line) => line.split(' ')[0]));
  const written = theirs.additional.filter(({ name }) =>
    owners.has(name.toLowerCase().slice(0, -zone.length - 1)),
  );
  const additional = recordTexts(written);
  const here = recordTexts(ours.additional);
  if (!ours.flags.authoritative) assert.deepEqual(here, additional, question);
  else for (const text of here) assert.ok(additional.includes(text), `${text}: ${question}`);
}

function outcomeOf({ rcode, flags, answers }: Message): string {
  if (answers.some(({ type }) => type === 'DNAME')) return 'redirect';
  if (rcode !== 0) return rcode === 3 ? 'no name' : `RCODE ${rcode}`;
  if (!flags.authoritative) return 'referral';
  if (answers.length === 0) return 'absence';
  return answers[0]!.type === 'CNAME' ? 'alias' : 'answer';
}

function randomCase(name: string, random: () => number): string {
  return random() < 0.7
    ? name
    : name.replace(/[a-z]/g, (c) => (random() < 0.5 ? c.toUpperCase() : c));
}

function summary({ rcode, flags, answers, authority }: Message) {
  return {
    rcode,
    authoritative: flags.authoritative,
    answers: recordTexts(answers),
    authority: recordTexts(authority),
  };
}

/** Each once: in a loop of aliases some repeat one. */
function recordTexts(records: readonly MessageRecord[]): string[] {
  const texts = records.map(
    ({ name, type, ttl, data }) => `${name.toLowerCase()} ${ttl} ${type} ${data.toLowerCase()}`,
  );
  return [...new Set(texts)].sort();
}
