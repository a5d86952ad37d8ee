import { continentOf } from '../../config/areas.ts';
import type { Area } from '../geo/place.ts';
import { createDefault, createTier, type Tier } from './tier.ts';

/** One place of an answer: exactly one of the three, or none of them for the default. */
export interface AreaOfAnswer {
  readonly continent?: string | undefined;
  readonly country?: string | undefined;
  /** ISO 3166-2: `US-CA`. */
  readonly subdivision?: string | undefined;
}

/**
 * Which answers are for clients in which area; the smallest area comes first. As a country
 * lies in one continent and a subdivision in one country, every chain is known beforehand:
 *
 *   US-CA ─┐
 *   US-NY ─┴▶ US ─┐
 *          CA ────┴▶ NA ─▶ default
 */
export class AreaIndex {
  readonly #continents = new Map<string, Tier>();
  readonly #countries = new Map<string, Tier>();
  readonly #subdivisions = new Map<string, Tier>();
  readonly #default: Tier | undefined;

  /** @param areas by index of the answer */
  constructor(areas: readonly AreaOfAnswer[]) {
    const isDefault = ({ continent, country, subdivision }: AreaOfAnswer) =>
      (continent ?? country ?? subdivision) === undefined;
    const defaults = [...areas.keys()].filter((index) => isDefault(areas[index]!));
    this.#default = createDefault('geolocation', defaults, 'area');
    for (const [code, answers] of byCode(areas, ({ continent }) => continent)) {
      this.#continents.set(code, tierOf(`continent ${code}`, answers, this.#default));
    }
    for (const [code, answers] of byCode(areas, ({ country }) => country)) {
      this.#countries.set(code, tierOf(`country ${code}`, answers, this.#around(code)));
    }
    for (const [code, answers] of byCode(areas, ({ subdivision }) => subdivision)) {
      const country = code.slice(0, 2);
      const wider = this.#countries.get(country) ?? this.#around(country);
      this.#subdivisions.set(code, tierOf(`subdivision ${code}`, answers, wider));
    }
  }

  /** The smallest area that holds a client there; allocates nothing. */
  find(area: Area | undefined): Tier | undefined {
    if (!area) return this.#default;
    return (
      this.#subdivisions.get(area.subdivision) ??
      this.#countries.get(area.country) ??
      this.#continents.get(area.continent) ??
      this.#default
    );
  }

  #around(country: string): Tier | undefined {
    return this.#continents.get(continentOf.get(country) ?? '') ?? this.#default;
  }
}

/** The answers of each area, by its code. */
function byCode(
  areas: readonly AreaOfAnswer[],
  codeOf: (area: AreaOfAnswer) => string | undefined,
): [string, number[]][] {
  const found = new Map<string, number[]>();
  for (const [index, area] of areas.entries()) {
    const code = codeOf(area);
    if (code === undefined) continue;
    const answers = found.get(code);
    if (answers) answers.push(index);
    else found.set(code, [index]);
  }
  return [...found];
}

function tierOf(name: string, answers: readonly number[], wider: Tier | undefined): Tier {
  return createTier('geolocation', { name, answers, wider });
}
