import { encodeFrame } from '../../../src/link/frames.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { World } from '../world.ts';
import type { Fault } from './schedule.ts';

type NodeFault = Extract<Fault, { readonly node: string }>;

/** Lets a fault happen. One that cannot (a dead node that is to freeze) is none. */
export function perform(world: World, fault: Fault): void {
  if (fault.kind === 'lull') return;
  if (fault.kind === 'heal') world.network.heal();
  else if (fault.kind === 'outside') world.outside.serviceAlive = fault.alive;
  else if (fault.kind === 'isolate') isolate(world, fault.region);
  else if (fault.kind === 'frames') {
    world.network.setFrameLoss(fault.lost);
    world.network.setSpikes(fault.late, 2_000);
  } else if (fault.kind === 'cut') {
    world.network.cut(fault.from, fault.to);
    if (!fault.oneWay) world.network.cut(fault.to, fault.from);
  } else happenTo(world, world.node(fault.node), fault);
}

/** Ends every fault there is. */
export function mend(world: World): void {
  world.network.heal();
  world.outside.serviceAlive = true;
  for (const node of world.nodes) {
    node.serviceAlive = true;
    node.published = true;
    if (!node.running) node.start();
    else wakeUp(node);
    node.health?.setDraining(false);
  }
}

function happenTo(world: World, node: SimulatedNode, fault: NodeFault): void {
  const { kind } = fault;
  if (kind === 'kill') node.kill();
  else if (kind === 'start') node.running || node.start({ fromNothing: fault.fromNothing });
  else if (kind === 'restart') {
    node.kill();
    world.scheduler.after(fault.downMs, () => node.running || node.start());
  } else if (kind === 'jump') node.jumpWall(fault.byMs);
  else if (kind === 'loss') world.network.setLoss(node.name, fault.share);
  else if (kind === 'forge') forge(world, node, fault.as);
  else if (kind === 'loseService' || kind === 'findService') {
    node.serviceAlive = kind === 'findService';
  } else if (kind === 'unpublish' || kind === 'publish') node.published = kind === 'publish';
  else if (kind === 'resume') wakeUp(node);
  else if (node.running && !node.paused) happenToRunning(node, kind);
}

function happenToRunning(
  node: SimulatedNode,
  kind: 'freeze' | 'sleep' | 'pause' | 'drain' | 'undrain',
): void {
  if (kind === 'freeze') node.freeze();
  else if (kind === 'sleep') node.sleep();
  else if (kind === 'pause') node.pause();
  else node.health?.setDraining(kind === 'drain');
}

function wakeUp(node: SimulatedNode): void {
  if (node.running && node.paused) node.wake();
}

function isolate(world: World, region: string): void {
  for (const node of world.nodes.filter((one) => one.region === region)) {
    for (const other of world.nodes.filter((one) => one.region !== region)) {
      world.network.cut(node.name, other.name);
      world.network.cut(other.name, node.name);
    }
    world.network.cut(node.name, world.outside.name);
  }
}

/** All other nodes get a vector that only nodes of `as` may send. */
function forge(world: World, liar: SimulatedNode, as: string): void {
  if (!liar.running || liar.paused || liar.region === as) return;
  const subjects = world.regions.map((region) => `gateway/${region}`);
  const vector = {
    ...{ kind: 'verdicts', version: 1, scope: 'region', region: as, node: 'n1' },
    ...{ incarnation: 9e15, sequence: 1, draining: true, drainingNodes: [] },
    verdicts: Object.fromEntries(subjects.map((subject) => [subject, 'down'])),
  };
  const frame = encodeFrame(vector);
  for (const node of world.nodes) {
    // Within its own region a node passes on what others said.
    if (node.region === liar.region || node.region === as) continue;
    if (world.network.connected(liar.name, node.name)) node.receive(liar.region, frame);
  }
}
