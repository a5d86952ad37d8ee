/** What the script is told. */
export interface ScriptSettings {
  /** Where each region is measured: the address of its `/probe`. */
  readonly probes: Readonly<Record<string, string>>;
  /** Share of page views that measure. */
  readonly sample: number;
}

/**
 * The script for pages, as text of ASCII. It waits until the page has loaded and is idle;
 * then, for one region after the other, it asks once for the sake of the connection, and some
 * times more to measure. What counts is the time from request to response on a connection that
 * is open, which Resource Timing tells; the least of these is reported, to where the script
 * came from. It keeps nothing in the browser, and sends no cookie.
 */
export function beaconScript({ probes, sample }: ScriptSettings): string {
  return template
    .replace('PROBES', () => JSON.stringify(probes))
    .replace('SAMPLE', () => String(sample));
}

const template = `(() => {
  'use strict';
  const probes = PROBES;
  const own = document.currentScript;
  const wanted = own && own.dataset.sample;
  if (Math.random() >= (wanted === undefined || wanted === '' ? SAMPLE : Number(wanted))) return;
  if (navigator.connection && navigator.connection.saveData) return;
  if (!own || !window.fetch || !window.PerformanceObserver) return;
  const report = new URL('report', own.src).href;
  const tries = 5;
  const limit = 10000;

  const timed = new Map();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const tell = timed.get(entry.name);
      if (tell) tell(entry);
    }
  });

  // Undefined: it was no round trip on an open connection, or nothing may be told of it.
  const roundTrip = (entry) => {
    const opened = entry.connectStart !== entry.connectEnd || entry.domainLookupStart !== entry.domainLookupEnd;
    const ms = entry.responseStart - entry.requestStart;
    return entry.requestStart > 0 && !opened && ms > 0 ? ms : undefined;
  };

  const ask = async (probe) => {
    const url = probe + '?' + Math.random().toString(36).slice(2);
    const told = new Promise((resolve) => {
      timed.set(url, resolve);
      setTimeout(resolve, limit);
    });
    const options = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(limit) };
    try {
      const response = await fetch(url, options);
      await response.text();
      if (!response.ok) return undefined;
      const entry = await told;
      return entry && roundTrip(entry);
    } finally {
      timed.delete(url);
    }
  };

  const measure = async (probe) => {
    await ask(probe);
    let least;
    for (let at = 0; at < tries && !document.hidden; at++) {
      const ms = await ask(probe);
      if (ms !== undefined && (least === undefined || ms < least)) least = ms;
    }
    return least;
  };

  const run = async () => {
    const milliseconds = {};
    observer.observe({ type: 'resource' });
    for (const region of Object.keys(probes).sort(() => Math.random() - 0.5)) {
      try {
        const ms = await measure(probes[region]);
        if (ms !== undefined) milliseconds[region] = Math.round(ms * 10) / 10;
      } catch (error) {} // out of reach: nothing is told of it
    }
    observer.disconnect();
    if (Object.keys(milliseconds).length < 2) return;
    const body = JSON.stringify({ version: 1, milliseconds }); // as text: without a preflight
    const options = { method: 'POST', credentials: 'omit', keepalive: true, referrerPolicy: 'no-referrer', body };
    fetch(report, options).catch(() => {});
  };

  const begin = () => {
    if (window.requestIdleCallback) requestIdleCallback(run, { timeout: 5000 });
    else setTimeout(run, 1000);
  };
  if (document.readyState === 'complete') begin();
  else addEventListener('load', begin);
})();
`;
