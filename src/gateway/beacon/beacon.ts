import type { BeaconConfig } from '../../config/schema/latency.ts';
import type { OwnAnswer } from '../exchange/answers.ts';
import { ContentCollector } from '../exchange/content-collector.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Phases } from '../exchange/phases.ts';
import { findField } from '../http1/fields.ts';
import {
  type Latencies,
  mostReportBytes,
  parseReport,
  type ReportBounds,
  type ReportRefusal,
} from './report.ts';
import { beaconScript } from './script.ts';

/** Takes what browsers report. */
export interface ReportSink {
  /** `address` is that of the client, and not to be kept. */
  reported(address: string, latencies: Latencies): void;
  refused(reason: ReportRefusal): void;
}

const ofAnySite =
  'Access-Control-Allow-Origin: *\r\nCross-Origin-Resource-Policy: cross-origin\r\n';
const noGuess = 'X-Content-Type-Options: nosniff\r\n';

/**
 * The resources by which browsers measure how far the regions are. Three, below one path:
 *
 *   script.js  for pages: what and where to measure
 *   probe      what is measured: little, never cached, its timing visible to pages of all sites
 *   report     where the script tells what it found
 *
 * A report is of the network that the connection comes from; nothing in it says which.
 */
export class Beacon {
  readonly #path: string;
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #listeners: ReadonlySet<string> | undefined;
  readonly #origins: ReadonlySet<string> | undefined;
  readonly #bounds: ReportBounds;
  readonly #script: OwnAnswer;

  constructor({ path, regions, hosts, listeners, origins, sample, most }: BeaconConfig) {
    this.#path = `${path}/`;
    this.#hosts = hosts && new Set(hosts);
    this.#listeners = listeners && new Set(listeners);
    this.#origins = origins && new Set(origins);
    this.#bounds = { regions: new Set(Object.keys(regions)), mostMs: most };
    const probes = Object.fromEntries(
      Object.entries(regions).map(([name, origin]) => [name, `${origin}${path}/probe`]),
    );
    this.#script = {
      status: 200,
      contentType: 'text/javascript; charset=utf-8',
      body: beaconScript({ probes, sample }),
      fields: `${ofAnySite}${noGuess}Cache-Control: public, max-age=300\r\n`,
    };
  }

  /** Answers what is for one of its resources. False: it is not. */
  serve(exchange: Exchange, phases: Phases): boolean {
    const { path, head, client } = exchange;
    const { peerRegion, listener } = client.origin;
    if (peerRegion !== undefined || !this.owns(path, head.host, listener)) return false;
    exchange.unlogged = true; // no log tells who measures
    const resource = exchange.path.slice(this.#path.length);
    if (resource === 'report') this.#takeReport(exchange, phases);
    else if (resource === 'probe') answerGet(exchange, phases, probe);
    else if (resource === 'script.js') answerGet(exchange, phases, this.#script);
    else phases.problem(exchange, 'route_not_found');
    return true;
  }

  /** Whether one of its resources is asked for. */
  owns(path: string, host: string, listener: string): boolean {
    if (!path.startsWith(this.#path) || this.#listeners?.has(listener) === false) return false;
    return this.#hosts?.has(host) !== false;
  }

  #takeReport(exchange: Exchange, phases: Phases): void {
    const { head, method, runtime } = exchange;
    const { reports } = runtime;
    if (method !== 'POST') {
      phases.problem(exchange, 'method_not_allowed', undefined, 'Allow: POST\r\n');
      return;
    }
    const origin = findField(head.fields, 'origin');
    if (this.#origins && (origin === undefined || !this.#origins.has(origin))) {
      reports.refused('origin');
      exchange.answer(received); // to the page, which may not know, it is all the same
      return;
    }
    const isTooLarge = head.body.kind === 'length' && head.body.length > mostReportBytes;
    if (isTooLarge) this.#read(exchange, phases, undefined);
    else {
      const read = (content: Buffer | undefined) => this.#read(exchange, phases, content);
      exchange.collector = new ContentCollector(mostReportBytes, read);
    }
  }

  #read(exchange: Exchange, phases: Phases, content: Buffer | undefined): void {
    const { reports } = exchange.runtime;
    const latencies = content ? parseReport(content, this.#bounds) : 'too_large';
    if (typeof latencies !== 'string') {
      reports.reported(exchange.identity.clientAddress, latencies);
      exchange.answer(received);
      return;
    }
    reports.refused(latencies);
    phases.problem(exchange, content ? 'report_invalid' : 'body_too_large', undefined, ofAnySite);
  }
}

function answerGet(exchange: Exchange, phases: Phases, answer: OwnAnswer): void {
  const { method } = exchange;
  if (method === 'GET' || method === 'HEAD') exchange.answer(answer);
  else phases.problem(exchange, 'method_not_allowed', undefined, 'Allow: GET, HEAD\r\n');
}

const probe: OwnAnswer = {
  status: 200,
  contentType: 'text/plain',
  body: 'ok',
  fields: `Timing-Allow-Origin: *\r\n${ofAnySite}${noGuess}`,
};

const received: OwnAnswer = { status: 204, contentType: '', body: '', fields: ofAnySite };
