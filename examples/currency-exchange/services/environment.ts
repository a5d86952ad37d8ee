/** What a service reads from its environment; `meridian up` sets the first four. */
export interface Environment {
  readonly host: string;
  readonly port: number;
  readonly region: string;
  readonly service: string;
  readonly feed: FeedSettings;
}

export interface FeedSettings {
  /** Of a provider; without it rates are simulated. */
  readonly url: URL | undefined;
  /** Of simulated rates: the same seed gives the same ones in every region. */
  readonly seed: string;
  /** From one table of rates to the next. */
  readonly intervalMs: number;
}

/** Names every variable that is wrong, with what it may be. */
export class EnvironmentError extends Error {}

/** Throws `EnvironmentError` with all mistakes at once. */
export function readEnvironment(variables: NodeJS.ProcessEnv, service: string): Environment {
  const mistakes: string[] = [];
  const text = (name: string, fallback: string): string => variables[name] || fallback;
  const whole = (name: string, fallback: string, least: number, most: number): number => {
    const given = text(name, fallback);
    const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    mistakes.push(`${name}: expected a whole number from ${least} to ${most}, got "${given}"`);
    return least;
  };
  const environment = {
    host: text('HOST', '127.0.0.1'),
    port: whole('PORT', '0', 0, 65_535),
    region: text('REGION', 'local'),
    service: text('SERVICE', service),
    feed: {
      url: readFeedUrl(variables.RATES_FEED_URL, mistakes),
      seed: text('RATES_SEED', 'exchange'),
      intervalMs: whole('RATES_INTERVAL_MS', '1000', 100, 3_600_000),
    },
  };
  if (mistakes.length > 0) throw new EnvironmentError(mistakes.join('\n'));
  return environment;
}

/** The text is not repeated: it may hold the key of a provider. */
function readFeedUrl(text: string | undefined, mistakes: string[]): URL | undefined {
  if (!text) return undefined;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) {
    mistakes.push('RATES_FEED_URL: expected an http: or https: URL');
  } else if (url.username || url.password) {
    mistakes.push('RATES_FEED_URL: expected a URL without user and password');
  }
  return url ?? undefined;
}
