import { exactly, type Spread, spreadOf } from '../../statistics.ts';
import type { Amount, Goal, HttpCase, Outcome } from '../case.ts';
import { type AtLimit, type Held, hold, holdAll } from '../hold.ts';
import { startOrigin } from '../origin.ts';
import { ratios } from '../rounds.ts';
import { plainSetup, type Setup } from '../setup.ts';
import { Stage } from '../stage.ts';
import { startMeridian } from '../subjects/meridian.ts';
import { startNginx } from '../subjects/nginx.ts';

const mostRounds = 3;
const settle = { thorough: 8_000, quick: 3_000 } as const;
/** Of Meridian, so that the limit is reached soon. Else what the machine allows. */
const quickOpenFiles = 3_000;

/** As 15,000 are of 20,000. */
const shareOfOpenFiles = 0.75;

const kinds = ['plain', 'tls'] as const;
type Kind = (typeof kinds)[number];

/** Of all rounds. */
interface Figures {
  readonly meridian: Record<Kind, Held[]>;
  readonly nginx: Record<Kind, Held[]>;
  readonly atLimit: Record<Kind, AtLimit[]>;
  on: Outcome['on'];
}

/**
 * As many idle keep-alive connections as there is room for: the memory of the process that
 * each takes, and what happens to those beyond. nginx holds as many, where it is there.
 */
export const idle: HttpCase = { name: 'idle', besidePeers: false, run };

async function run(amount: Amount): Promise<Outcome[]> {
  const figures: Figures = {
    meridian: { plain: [], tls: [] },
    nginx: { plain: [], tls: [] },
    atLimit: { plain: [], tls: [] },
    on: { meridian: [], peer: [] },
  };
  for (let round = 0; round < Math.min(amount.rounds, mostRounds); round++) {
    for (const kind of kinds) await measure(kind, amount, figures);
  }
  return [outcomeOf(figures)];
}

/** With fresh programs: memory that is free again in one is not given back. */
async function measure(kind: Kind, { cores, quick, peers }: Amount, figures: Figures) {
  await using stage = new Stage(cores);
  const plain = plainSetup(await startOrigin(stage));
  const setup: Setup = kind === 'tls' ? { ...plain, tls: await stage.certificate() } : plain;
  const settleMs = quick ? settle.quick : settle.thorough;
  const meridian = await startMeridian(stage, setup, quick ? { openFiles: quickOpenFiles } : {});
  const { atLimit, ...held } = await holdAll(stage, meridian, settleMs);
  figures.meridian[kind].push(held);
  figures.atLimit[kind].push(atLimit);
  figures.on = { meridian: meridian.on, peer: meridian.on };
  await meridian.program.stop();
  if (!peers.includes('nginx')) return;
  const nginx = await startNginx(stage, setup);
  figures.on = { meridian: meridian.on, peer: nginx.on };
  figures.nginx[kind].push(await hold(stage, nginx, settleMs, held.connections));
}

function outcomeOf({ meridian, nginx, atLimit, on }: Figures): Outcome {
  const beside = nginx.plain.length > 0;
  const [plain, tls] = [bytesOf(meridian.plain), bytesOf(meridian.tls)];
  const peer = { plain: bytesOf(nginx.plain), tls: bytesOf(nginx.tls) };
  const connections = {
    plain: spreadOf(meridian.plain.map((held) => held.connections)),
    tls: spreadOf(meridian.tls.map((held) => held.connections)),
  };
  const kibibytes = (bytes: readonly number[]) => (spreadOf(bytes).median / 1_024).toFixed(1);
  const beyond = beside ? `; nginx ${kibibytes(peer.plain)} and ${kibibytes(peer.tls)} KiB` : '';
  return {
    peer: beside ? 'nginx' : 'itself',
    compares: beside ? 'memory of a plain connection' : 'memory of a connection, TLS ÷ plain',
    ratio: spreadOf(beside ? ratios(plain, peer.plain) : ratios(tls, plain)),
    goals: [...goalsOf(plain, tls), room(connections, atLimit), survival(atLimit)],
    rounds: plain.length,
    figures: {
      connections,
      bytesPerConnection: {
        meridian: { plain: spreadOf(plain), tls: spreadOf(tls) },
        ...(beside && { peer: { plain: spreadOf(peer.plain), tls: spreadOf(peer.tls) } }),
      },
      atLimit,
    },
    summary: `${connections.plain.median} plain and ${connections.tls.median} TLS connections${beyond}`,
    on,
  };
}

function goalsOf(plain: readonly number[], tls: readonly number[]): Goal[] {
  const inKibibytes = (bytes: readonly number[]): Spread =>
    spreadOf(bytes.map((each) => each / 1_024));
  return [
    { what: 'memory of a plain connection', unit: 'KiB', value: inKibibytes(plain), atMost: 8 },
    { what: 'memory of a TLS connection', unit: 'KiB', value: inKibibytes(tls), atMost: 60 },
  ];
}

/** The fewest of any round, beside what the open files allow when others need some too. */
function room(connections: Record<Kind, Spread>, { plain, tls }: Record<Kind, AtLimit[]>): Goal {
  const openFiles = Math.max(...[...plain, ...tls].map((limit) => limit.openFiles));
  const fewest = exactly(Math.min(connections.plain.min, connections.tls.min));
  const atLeast = openFiles * shareOfOpenFiles;
  return { what: `connections, with ${openFiles} open files`, unit: '', value: fewest, atLeast };
}

/** Where there was no more room, it went on serving, and said so. */
function survival({ plain, tls }: Record<Kind, AtLimit[]>): Goal {
  const all = [...plain, ...tls];
  const survived = all.filter(({ serves, logged }) => serves && logged.length > 0);
  const what = 'times it served on without room, and logged it';
  return { what, unit: '', value: exactly(survived.length), atLeast: all.length };
}

function bytesOf(held: readonly Held[]): number[] {
  return held.map(({ bytesEach }) => bytesEach);
}
