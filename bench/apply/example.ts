import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { exampleConfig } from '../../test/support/stack.ts';

export interface Route {
  readonly name: string;
  readonly hosts?: readonly string[];
  readonly prefix: string;
  readonly service: string;
}

/** A configuration as written; of its content the benches change routes only. */
export interface Document {
  readonly routes: readonly Route[];
  readonly [section: string]: unknown;
}

interface Example extends Document {
  readonly stack: {
    readonly services: Readonly<Record<string, { readonly command: readonly string[] }>>;
  };
}

/** The main thread of a node, and those that the example's configuration below asks for. */
export const threadsPerNode = 1 + 2 + 1;

/**
 * The worked example as a file elsewhere: its services are named absolutely, its threads
 * counted out. With `servers`, it runs no store servers but uses these.
 */
export function writeExample(
  directory: string,
  servers?: Readonly<Record<string, readonly string[]>>,
): string {
  const example = parse(readFileSync(exampleConfig, 'utf8')) as Example;
  const services = Object.entries(example.stack.services).map(([name, { command }]) => {
    const absolute = command.map((word) =>
      word.endsWith('.ts') ? join(dirname(exampleConfig), word) : word,
    );
    return [name, { command: absolute }] as const;
  });
  const document = {
    ...example,
    threads: { gateway: 2, dns: 1 },
    stack: { services: Object.fromEntries(services) },
    store: { engine: 'jetstream', ...(servers && { servers }) },
  };
  const path = join(directory, 'meridian.json');
  writeFileSync(path, JSON.stringify(document));
  return path;
}

/** A path that the example answers with 200 wherever a route leads there. */
export const target = '/v1/rates?base=EUR';

/** The host that only the marked document serves. */
export function markerHost(mark: number): string {
  return `bench-${mark}.exchange.test`;
}

const markers = 20;

/**
 * A document that answers requests for `markerHost(mark)`: one route more, until there are
 * twenty such; then one route changed.
 */
export function marked(document: Document, mark: number): Document {
  const name = `bench-${mark % markers}`;
  const route = { name, hosts: [markerHost(mark)], prefix: '/v1/rates', service: 'rates' };
  const others = document.routes.filter((other) => other.name !== name);
  return { ...document, routes: [...others, route] };
}

/** As many routes as wanted, beside those of the document. */
export function withRoutes(document: Document, count: number): Document {
  const more = Array.from({ length: count }, (_, index) => ({
    name: `bulk-${index}`,
    hosts: ['api.exchange.test'],
    prefix: `/bulk/${index}`,
    service: index % 2 === 0 ? 'rates' : 'convert',
  }));
  return { ...document, routes: [...document.routes, ...more] };
}
