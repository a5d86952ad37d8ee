import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { freePort } from '../../../test/support/free-ports.ts';
import { commandPath, requireCommand } from '../../../test/support/requirements.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { createExchange } from '../testdata/exchange.ts';
import {
  pick,
  randomName,
  randomZone,
  randomZoneTypes,
  xorShift,
} from '../testdata/random-zone.ts';
import { decodeMessage, type Message, type MessageRecord } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { typeCode } from '../wire/records/registry.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

/** By hand: MERIDIAN_QUERIES=100000, and a MERIDIAN_SEED to have a failure again. */
const queries = Number(process.env.MERIDIAN_QUERIES ?? 3_000);
const seed = Number(process.env.MERIDIAN_SEED ?? Date.now() % 2 ** 31);
const zones = 6;
const window = 50;

describe(`static zones in Knot and here, seed ${seed}`, { skip: requireCommand('knotd') }, () => {
  const random = xorShift(seed);
  const files = new Map(
    Array.from({ length: zones }, (_, index) => {
      const zone = `z${index}.test`;
      return [zone, randomZone(zone, random)] as const;
    }),
  );
  const responder = new Responder(
    compileDnsData(
      createExchange(
        Object.fromEntries(
          [...files].map(([zone, text]) => [zone, { file: zone, contents: { [zone]: text } }]),
        ),
      ).options,
    ),
  );
  let knot: ChildProcess;
  let socket: Socket;
  const waiting = new Map<number, (answer: Message) => void>();

  before(async () => {
    const folder = await temporaryDirectory('knot');
    const port = await freePort('127.0.0.1');
    for (const [zone, text] of files) await writeFile(join(folder, `${zone}.zone`), text);
    const config = [
      `server:\n  listen: 127.0.0.1@${port}\n  rundir: ${folder}\n  udp-workers: 1\n  tcp-workers: 1`,
      `database:\n  storage: ${folder}/db`,
      `template:\n  - id: default\n    storage: ${folder}\n    zonefile-sync: -1\n    journal-content: none`,
      `zone:\n${[...files.keys()].map((zone) => `  - domain: ${zone}\n    file: ${zone}.zone`).join('\n')}`,
    ];
    await writeFile(join(folder, 'knot.conf'), `${config.join('\n')}\n`);
    knot = spawn(commandPath('knotd')!, ['-c', join(folder, 'knot.conf')], { stdio: 'ignore' });
    socket = createSocket('udp4').on('message', (bytes) => {
      const answer = decodeMessage(bytes);
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    });
    socket.connect(port, '127.0.0.1');
    socket.on('error', () => undefined); // nobody listens there yet
    await once(socket, 'connect');
    for (const zone of files.keys()) {
      await eventually('Knot', async () => {
        const asked = ask(encodeQuery({ id: 1, name: parseName(zone), type: 6 }));
        const answer = await Promise.race([asked, setTimeout(50, undefined)]);
        return answer?.rcode === 0;
      });
    }
  });
  after(async () => {
    socket.close();
    if (knot.exitCode !== null || knot.pid === undefined) return;
    knot.kill();
    await once(knot, 'exit');
  });

  function ask(query: Buffer): Promise<Message> {
    return new Promise((resolve) => {
      waiting.set(query.readUInt16BE(0), resolve);
      socket.send(query);
    });
  }

  const output = Buffer.alloc(65_535);
  function answerHere(query: Buffer): Message {
    const origin = new QueryOrigin('udp', '127.0.0.1');
    const length = responder.respond(query, query.length, origin, output);
    return decodeMessage(Buffer.from(output.subarray(0, length)));
  }

  test(`${queries} questions have the same answer`, async () => {
    const names = [...files.keys()];
    for (let asked = 0; asked < queries; asked += window) {
      const batch = Array.from({ length: window }, (_, id) => {
        const below = random() < 0.05 ? '' : `${randomName(random, 5)}.`;
        const text = randomCase(`${below}${pick(names, random)}`, random);
        const type = pick([...randomZoneTypes, 'TYPE731'], random);
        return {
          text,
          type,
          query: encodeQuery({ id: id + 1, name: parseName(text), type: typeCode(type)! }),
        };
      });
      const theirs = await Promise.all(batch.map(({ query }) => ask(query)));
      for (const [index, { text, type, query }] of batch.entries()) {
        const zone = names.find((name) => text.toLowerCase().endsWith(name))!;
        const [ours, knots] = [answerHere(query), theirs[index]!];
        const question = `seed ${seed}: ${text} ${type} in\n${files.get(zone)}`;
        assert.deepEqual(summary(ours), summary(knots), question);
        // Knot also gives addresses that only a wildcard stands for, which nobody needs.
        const owners = new Set(
          files
            .get(zone)!
            .split('\n')
            .map((line) => line.split(' ')[0]),
        );
        const written = knots.additional.filter(({ name }) =>
          owners.has(name.toLowerCase().slice(0, -zone.length - 1)),
        );
        const additional = recordTexts(written);
        const here = recordTexts(ours.additional);
        if (!ours.flags.authoritative) assert.deepEqual(here, additional, question);
        else for (const text of here) assert.ok(additional.includes(text), `${text}: ${question}`);
      }
    }
  });
});

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

/** Each once: in a loop of aliases Knot repeats one. */
function recordTexts(records: readonly MessageRecord[]): string[] {
  const texts = records.map(
    ({ name, type, ttl, data }) => `${name.toLowerCase()} ${ttl} ${type} ${data.toLowerCase()}`,
  );
  return [...new Set(texts)].sort();
}
