/** One line of the sources, made wrong. */
export interface PlantedBug {
  /** The rule that it breaks. */
  readonly rule: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly line: string;
  readonly instead: string;
  /** What finds it: a scenario by its name, or random schedules; a number: try that first. */
  readonly found: string | number;
}

const bug = (
  rule: string,
  file: string,
  line: string,
  instead: string,
  found: string | number = 1,
): PlantedBug => ({ rule, file, line, instead, found });

export const plantedBugs: readonly PlantedBug[] = [
  // The quorum.
  bug(
    'more than half of the fresh take a gateway down',
    'health/quorum.ts',
    'if (down.length > fresh / 2) return',
    'if (down.length > 0) return',
  ),
  bug(
    'more than half of the fresh bring it up',
    'health/quorum.ts',
    "if (up.length > fresh / 2) return majority('healthy'",
    "if (up.length > fresh) return majority('healthy'",
  ),
  bug(
    'half of the vantages are no quorum: own probes decide',
    'health/quorum.ts',
    'if (fresh > configured / 2) {',
    'if (fresh >= configured / 2) {',
    175,
  ),
  bug(
    'out of reach of the others, own probes decide',
    'health/quorum.ts',
    'if (own === undefined) return held',
    'if (own !== null) return held',
  ),
  bug(
    'a share of its own decides where a check has one',
    'health/plan-checks.ts',
    'upShare: check.quorum?.up,',
    'upShare: undefined,',
    37,
  ),
  bug(
    'that share is of those that are heard',
    'health/quorum.ts',
    'if (up.length > fresh * upShare) return',
    'if (up.length > configured / 2) return',
    28,
  ),
  bug(
    'a vantage within a region has no say on its gateway',
    'health/plan.ts',
    'const others = topology.regions.filter(({ name }) => name !== region.name);',
    'const others = topology.regions;',
  ),
  // Who is heard, and what it says.
  bug(
    'what is not fresh does not count',
    'health/vantages.ts',
    'this.expire(atMs - this.#plan.freshnessMs);',
    'this.expire(atMs - 100 * this.#plan.freshnessMs);',
  ),
  bug(
    'a region speaks for no other',
    'health/machine.ts',
    "throw new HealthError('foreign_vector'",
    "if (entitled === undefined) throw new HealthError('foreign_vector'",
    20,
  ),
  bug(
    'a message that is older than another is left aside',
    'health/vantage.ts',
    'if (!newer) return [];',
    'if (!newer && forgotten) return [];',
    'a region drains and starts anew, while old frames are still under way',
  ),
  bug(
    'a lower incarnation is heard after long silence',
    'health/vantage.ts',
    'vector.incarnation > known.incarnation || forgotten;',
    'vector.incarnation > known.incarnation;',
    239,
  ),
  bug(
    'verdicts are told again and again',
    'health/exchange.ts',
    'this.#schedule(intervalMs);',
    'this.#schedule(20 * intervalMs);',
  ),
  bug(
    'nodes of one region tell each other what they see',
    'health/exchange.ts',
    'send(siblings, nodeFrame);',
    'send([], nodeFrame);',
    'of several nodes one is dark or silent: the others outvote it',
  ),
  bug(
    'nodes pass on what other regions say',
    'health/exchange.ts',
    'for (const peer of this.#peers.siblings) this.#senders.get(keyOf(peer))?.send(frame, topic);',
    'if (topic.length > 64) this.#senders.get(topic)?.send(frame, topic);',
    35,
  ),
  bug(
    'a region says what most of its nodes see',
    'health/service-state.ts',
    "if (up > down) return 'up';",
    "if (up > 0 && down > 0) return 'down';\n  if (up > down) return 'up';",
    'of several nodes one is dark or silent: the others outvote it',
  ),
  // The own probes.
  bug(
    'one failure is none',
    'health/hysteresis.ts',
    'if (this.#failures >= this.#thresholds.failures)',
    'if (this.#failures >= 1)',
  ),
  bug(
    'successes in a row forget a failure',
    'health/hysteresis.ts',
    'if (this.#successesInRow >= this.#thresholds.resets) this.#failures = 0;',
    'if (this.#successesInRow >= 1_000) this.#failures = 0;',
  ),
  bug(
    'it takes some successes in a row to be up',
    'health/hysteresis.ts',
    'this.#successesInRow >= this.#thresholds.recoveries',
    'this.#successesInRow >= 1',
  ),
  bug(
    'a failure ends a row of successes',
    'health/hysteresis.ts',
    'this.#successesInRow = 0;\n    this.#failures++;',
    'this.#failures++;',
  ),
  bug(
    'what a stall may have made is not believed',
    'health/continuity.ts',
    'if (gapMs > stallMs) this.#trustFromMs = atMs;',
    'if (gapMs > 1_000 * stallMs) this.#trustFromMs = atMs;',
    'an observer that stutters: pauses too close together to finish a probe',
  ),
  bug(
    'nor after a sleep, which the monotonic clock does not see',
    'health/continuity.ts',
    'if (jumpMs <= this.#pauseMs) return false;',
    'if (jumpMs <= 1e12) return false;',
    56,
  ),
  bug(
    'a push after a stall tells nothing old',
    'health/health.ts',
    'this.#pass();\n      return writer',
    'return writer',
    216,
  ),
  bug(
    'what was never up may still be starting',
    'health/health.ts',
    'const startGraceMs = 2_000;',
    'const startGraceMs = 0;',
    'all regions start anew, with or without their disks: nothing is ever unhealthy',
  ),
  // Services, checks, drains.
  bug(
    'a region is believed about its services',
    'health/quorum.ts',
    "const state = word === 'up' ? 'healthy' : 'unhealthy';",
    "const state = 'healthy' as const;",
    27,
  ),
  bug(
    'services of a lost region are not taken for well',
    'health/quorum.ts',
    "evidence.gateway === 'unhealthy';",
    "evidence.gateway === 'unknown';",
  ),
  bug(
    'a calculated check follows those that it is made of',
    'health/machine.ts',
    'for (const dependent of this.#plan.dependents.get(key) ?? []) this.#dirty.add(dependent);',
    '',
  ),
  bug(
    'an inverted check is the opposite',
    'health/derived.ts',
    "healthy: 'unhealthy', unhealthy: 'healthy'",
    "healthy: 'healthy', unhealthy: 'unhealthy'",
  ),
  bug(
    'a region drains while all that is heard of it does',
    'health/vantage.ts',
    'this.#draining = fresh.every((node) => node.draining);',
    'this.#draining ||= fresh.every((node) => node.draining);',
  ),
  // Restarts.
  bug(
    'a restart keeps states',
    'health/subject-states.ts',
    'record.current = state;\n      record.said = state;',
    'record.said = state;',
  ),
  bug(
    'a restart brings nothing up',
    'health/subject-states.ts',
    'record.current = state;\n      record.said = state;',
    "record.current = 'healthy';\n      record.said = 'healthy';",
  ),
  bug(
    'a new process is told from the old one',
    'health/health.ts',
    'incarnation: Math.max(Math.floor(clock.wallMs()), (saved?.incarnation ?? 0) + 1),',
    'incarnation: 1,',
  ),
  // From state to answer.
  bug(
    'residency forbids',
    'steering/grade.ts',
    'if (service && service.allowed[region] !== true) return grade.forbidden;',
    '',
  ),
  bug('a relay goes to another region', 'steering/relay.ts', 'if (index === ownRegion || ', 'if ('),
  bug(
    'an unhealthy gateway is a last resort',
    'steering/grade.ts',
    'if (gateway === unhealthy) return grade.dead;',
    '',
  ),
  bug(
    'so is an unhealthy service',
    'steering/grade.ts',
    "if (set.evaluate === 'gateway' || !service) return gradeOf(gateway);",
    'return gradeOf(gateway);',
  ),
  bug(
    'who drains gets nobody while another is there',
    'steering/grade.ts',
    'if (!states.controlOn(region) || states.draining(region)) return grade.withdrawn;',
    'if (!states.controlOn(region)) return grade.withdrawn;',
  ),
  bug(
    'an open last resort answers always',
    'steering/choose.ts',
    "(set.lastResort !== 'open' && isLastResort(graded))",
    'isLastResort(graded)',
  ),
  bug(
    'a closed one never with what is lost',
    'steering/choose.ts',
    "(set.lastResort !== 'open' && isLastResort(graded))",
    "(set.lastResort === 'fixed' && isLastResort(graded))",
  ),
  bug(
    'grades are not mixed',
    'steering/choose.ts',
    'if (preference < this.lowest) this.finalists = [];',
    '',
  ),
  bug(
    'a node that is lost is left out of its region',
    'steering/addresses.ts',
    'if (state === unhealthy) return addressGrade.unusable;',
    'if (state === unhealthy) return addressGrade.usable;',
  ),
];
