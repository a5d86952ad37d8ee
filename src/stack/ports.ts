import { codeOf, messageOf } from '../base/errors.ts';
import { type PortNeed, provePortsFree } from '../region/data-plane/ports.ts';
import { failStack } from './errors.ts';
import { commandOf } from './processes/identity.ts';
import { stackOf } from './processes/marked.ts';
import { type BoundSocket, pidsOf, socketsHolding } from './processes/port-holders.ts';

interface Refusal {
  readonly need: PortNeed;
  readonly error: unknown;
}

/**
 * Proves by an exclusive bind that every port of the stack is free, and otherwise says of
 * all that are not what holds them.
 *
 * @throws MeridianError `port_taken`, or `port_unusable` when an address is not of this
 *   machine or a port not for this user.
 */
export async function claimPorts(needs: readonly PortNeed[]): Promise<void> {
  refuseTwice(needs);
  const refusals = (await Promise.all(needs.map(tryPort))).filter(
    (refusal) => refusal !== undefined,
  );
  if (refusals.length === 0) return;
  const taken = refusals.some(({ error }) => codeOf(error) === 'port_taken');
  const count = refusals.length === 1 ? 'a port' : `${refusals.length} ports`;
  const hint = 'End what holds them, or move the whole stack with --port-offset N or --loopback N.';
  failStack(
    taken ? 'port_taken' : 'port_unusable',
    [
      `the stack cannot have ${count}:`,
      ...describeRefusals(refusals),
      ...(taken ? [hint] : []),
    ].join('\n  '),
    { details: { ports: refusals.map(({ need }) => need) } },
  );
}

/** Two of the stack itself: nodes, services and store servers come from places that know nothing of each other. */
function refuseTwice(needs: readonly PortNeed[]): void {
  const placeOf = ({ host, port, transport }: PortNeed) => `${host}:${port}/${transport}`;
  const twice = [...Map.groupBy(needs, placeOf)].filter(([, same]) => same.length > 1);
  if (twice.length === 0) return;
  const lines = twice.map(
    ([place, same]) => `${place}: ${same.map(({ purpose }) => purpose).join(' and ')}`,
  );
  failStack('port_taken', ['the configuration gives a port twice:', ...lines].join('\n  '), {
    details: { ports: twice.flatMap(([, same]) => same) },
  });
}

async function tryPort(need: PortNeed): Promise<Refusal | undefined> {
  return provePortsFree([need]).then(
    () => undefined,
    (error: unknown) => ({ need, error }),
  );
}

/** One line per holder with all that it holds, then one per port that nobody holds. */
function describeRefusals(refusals: readonly Refusal[]): string[] {
  const taken = refusals.filter(({ error }) => codeOf(error) === 'port_taken');
  const sockets = taken.map(({ need }) => socketsHolding(need.transport, need.host, need.port));
  const pids = pidsOf(new Set(sockets.flat().map(({ inode }) => inode)));
  const places = new Map<string, string[]>();
  for (const [index, { need }] of taken.entries()) {
    const holder = describeHolders(sockets[index] ?? [], pids);
    const place = `${need.host}:${need.port}/${need.transport} (${need.purpose})`;
    places.set(holder, [...(places.get(holder) ?? []), place]);
  }
  const others = refusals.filter((refusal) => !taken.includes(refusal));
  return [
    ...[...places].map(([holder, held]) => `${listed(held)}: held by ${holder}`),
    ...others.map(({ error }) => messageOf(error)),
  ];
}

function describeHolders(
  sockets: readonly BoundSocket[],
  pidsByInode: ReadonlyMap<string, readonly number[]>,
): string {
  const pids = new Set(sockets.flatMap(({ inode }) => pidsByInode.get(inode) ?? []));
  if (pids.size > 0) return [...new Set([...pids].map(describeProcess))].join(' and ');
  const [socket] = sockets;
  if (socket) return `a process of user ${socket.uid} that this user may not look into`;
  return 'another program';
}

/** A whole stack is one holder: naming each of its processes would only hide that. */
function describeProcess(pid: number): string {
  const stack = stackOf(pid);
  if (stack === undefined) return `pid ${pid} (${commandOf(pid)})`;
  return `the stack in ${stack} (end it with \`meridian down --state ${stack}\`)`;
}

/** A few on one line, many on a line each. */
function listed(places: readonly string[]): string {
  return places.length <= 3 ? places.join(', ') : places.join('\n  ');
}
