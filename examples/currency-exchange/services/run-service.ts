import { EnvironmentError, readEnvironment } from './environment.ts';
import { createFeed } from './feed/create-feed.ts';
import { createApi } from './http/api.ts';
import { type HttpServer, listen } from './http/server.ts';
import type { Service, ServiceContext } from './service.ts';
import { openSharedData } from './shared-data.ts';

/**
 * The whole life of a service process: reads the environment, serves, and ends gracefully on
 * SIGTERM or SIGINT. Exit status 2: wrong environment; 1: cannot listen.
 */
export async function runService(
  name: string,
  create: (context: ServiceContext) => Service,
): Promise<void> {
  const { host, port, region, service, feed: settings } = environmentOrExit(name);
  const feed = createFeed(settings);
  const { resources, close } = create({
    ...{ service, region, feed },
    data: openSharedData(process.env),
  });
  let server: HttpServer;
  try {
    server = await listen(host, port, createApi(region, resources));
  } catch (error) {
    console.error(`${service}: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
  const at = `http://${host}:${server.port}`;
  console.log(`${service} of ${region} serves at ${at}, rates: ${feed.source}`);

  const stop = (): void => {
    feed.close();
    close();
    void server.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

function environmentOrExit(name: string): ReturnType<typeof readEnvironment> {
  try {
    return readEnvironment(process.env, name);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.error(`${name}: wrong environment\n${error.message}`);
    process.exit(2);
  }
}
