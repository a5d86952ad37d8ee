import { between, pick } from '../seeded-random.ts';
import { type LeaseWorld, type Plant, LeaseWorld as World } from './lease-world.ts';

type Fault = (world: LeaseWorld) => void;

/** What may happen to a deployment, each for a random while. */
const faults: Readonly<Record<string, Fault>> = {
  'pauses a node': (world) => {
    const node = pick(world.random, world.nodes);
    world.fault(`${node.name} stands still`);
    node.pause();
    world.scheduler.after(between(world.random, 200, 20_000), () => node.resume());
  },
  'kills a node': (world) => {
    const node = pick(world.random, world.nodes);
    if (!node.running) return;
    world.fault(`${node.name} is killed`);
    node.kill();
    world.scheduler.after(between(world.random, 100, 20_000), () => {
      world.start(node);
    });
  },
  'stops a node': (world) => {
    const node = pick(world.random, world.nodes);
    world.fault(`${node.name} leaves`);
    node.leaving = true;
    world.scheduler.after(between(world.random, 100, 4_000), () => node.kill());
    world.scheduler.after(between(world.random, 4_000, 20_000), () => {
      world.start(node);
    });
  },
  'asks for a hand-over': (world) => {
    const to = pick(world.random, world.settings.regions);
    world.fault(`an operator wants ${to}`);
    world.store.ask({ to, force: false });
  },
  'kills the active region': (world) => {
    const region = world.nodes.find((node) => node.active)?.region;
    if (region === undefined) return;
    world.fault(`${region} is killed`);
    const nodes = world.nodes.filter((node) => node.region === region && node.running);
    for (const node of nodes) node.kill();
    world.scheduler.after(between(world.random, 2_000, 30_000), () => {
      for (const node of nodes) world.start(node);
    });
  },
  'cuts a region from the store': (world) => {
    const region = pick(world.random, world.regions);
    world.fault(`${region} is cut from the store`);
    const weather = world.store.weather(region);
    weather.cut = true;
    world.scheduler.after(between(world.random, 500, 20_000), () => {
      weather.cut = false;
    });
  },
  'loses and delays': (world) => {
    const region = pick(world.random, world.regions);
    const weather = world.store.weather(region);
    weather.loss = between(world.random, 0.05, 0.6);
    world.fault(`${region} loses ${weather.loss.toFixed(2)}`);
    world.scheduler.after(between(world.random, 1_000, 20_000), () => {
      weather.loss = 0;
    });
  },
  'takes the store away': (world) => {
    world.fault('the store has no majority');
    world.store.down = true;
    world.scheduler.after(between(world.random, 500, 25_000), () => {
      world.store.down = false;
    });
  },
  'cuts links between regions': (world) => {
    const region = pick(world.random, world.regions);
    world.fault(`${region} hears few others`);
    for (const other of world.regions) {
      if (other !== region && world.random() < 0.8) world.cutLink(region, other);
    }
  },
  'makes a region sick': (world) => {
    const region = pick(world.random, world.regions);
    world.fault(`${region} is unhealthy`);
    world.setSick(region, true);
    world.scheduler.after(between(world.random, 1_000, 20_000), () => world.setSick(region, false));
  },
  'loses a node for good': (world) => {
    const node = pick(world.random, world.nodes);
    if (node.lost || world.livingIn(node.region).length < 2) return;
    node.lost = true;
    const isPlanned = world.random() < 0.4;
    world.fault(`${node.name} ${isPlanned ? 'is taken away' : 'is lost'} for good`);
    node.leaving = isPlanned;
    if (isPlanned) world.scheduler.after(2_000, () => node.kill());
    else node.kill();
  },
  'adds a node': (world) => {
    const region = pick(world.random, world.regions);
    if (world.livingIn(region).length > 3) return;
    const node = world.addNode(region);
    world.fault(`${node.name} is new`);
    world.start(node);
  },
  'applies other settings': (world) => world.applyRevision(),
  'sets the store back': (world) => world.setBack(),
  'asks by force': (world) => world.force(pick(world.random, world.settings.regions)),
  'sets a wall clock': (world) => {
    const node = pick(world.random, world.nodes);
    const byMs = between(world.random, -600_000, 600_000);
    world.fault(`the wall clock of ${node.name} jumps by ${byMs.toFixed(0)}`);
    node.jumpWall(byMs);
  },
};

/** Boots, breaks things for about a minute, heals all, and asks for one active region. */
export function runSchedule(seed: number, plant: Plant = {}): LeaseWorld {
  const world = new World(seed, plant);
  const { random, scheduler } = world;
  const kinds = plant.faults ?? Object.keys(faults);
  try {
    for (const node of world.nodes) {
      scheduler.after(between(random, 0, 3_000), () => world.start(node));
    }
    world.advance(4 * world.settings.leaseMs + 5_000);
    const enough = Math.ceil(between(random, 2, 14));
    for (let number = 0; number < enough; number++) {
      faults[pick(random, kinds)]!(world);
      step(world, between(random, 100, 8_000));
    }
    world.fault('all is well again');
    world.heal();
    step(world, 40_000); // what was to end or begin again has
    world.heal();
    step(world, 10_000);
    askWhoMustStop(world);
    step(world, 4 * world.settings.leaseMs + 40_000);
    world.assertSettled();
    return world;
  } catch (error) {
    throw new Error(`SEED=${seed}\n${world.transcript()}`, { cause: error });
  }
}

/** Where the region may be active no more, a node of it that is dead and holds needs an operator. */
function askWhoMustStop(world: LeaseWorld): void {
  const { regions } = world.settings;
  if (!regions.includes(world.store.latest.document?.holder ?? '')) world.force(regions[0]!);
}

function step(world: LeaseWorld, ms: number): void {
  for (let left = ms; left > 0; left -= 500) {
    world.advance(Math.min(500, left));
    world.serveSome();
  }
}
