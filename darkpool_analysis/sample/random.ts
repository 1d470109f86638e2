/**
 * The sample's own random numbers: sfc32 (C. Doty-Humphrey, PractRand), seeded by name. 32-bit integer steps and the
 * fdlibm `log` and `sqrt` of V8 only, so that a stream gives the same numbers on every machine and Node version.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  #spareNormal: number | undefined;

  /** The stream of a name: equal parts give equal streams, any other parts an unrelated one. */
  constructor(...name: readonly (string | number)[]) {
    const hash = fnv1a(name.join('\u0000'));
    this.#a = mix(hash);
    this.#b = mix(hash + 0x9e3779b9);
    this.#c = mix(hash + 0x3c6ef372);
    for (let i = 0; i < 12; i++) this.#next();
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), 32 bits. */
  uniform(): number {
    return this.#next() / 4_294_967_296;
  }

  /** Uniform in [0, 1), 53 bits: for times, whose nanoseconds 32 bits would leave patterned. */
  fine(): number {
    return ((this.#next() >>> 5) * 67_108_864 + (this.#next() >>> 6)) / 9_007_199_254_740_992;
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.uniform() * (most - least + 1));
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Standard normal, by Marsaglia's polar method (no sine or cosine, whose last digit engines may choose). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1) {
        const scale = Math.sqrt((-2 * Math.log(square)) / square);
        this.#spareNormal = y * scale;
        return x * scale;
      }
    }
  }

  /** One of the values, by weights that need not sum to 1. */
  pick<T>(choices: Weighted<T>): T {
    let rest = this.uniform() * choices.total;
    for (const [value, weight] of choices.entries) {
      rest -= weight;
      if (rest < 0) return value;
    }
    return choices.last;
  }

  /** Number of events of a Poisson process with a small mean. */
  poisson(mean: number): number {
    let count = 0;
    for (let spent = this.exponential(1); spent < mean; spent += this.exponential(1)) count += 1;
    return count;
  }
}

export interface Weighted<T> {
  readonly entries: readonly (readonly [T, number])[];
  readonly total: number;
  readonly last: T;
}

/** Choices with their weights, for `Random.pick`. */
export function weighted<T>(...entries: readonly (readonly [T, number])[]): Weighted<T> {
  const last = entries.at(-1);
  if (last === undefined) throw new RangeError('weighted: no choice given');
  return { entries, total: entries.reduce((sum, [, weight]) => sum + weight, 0), last: last[0] };
}

/** FNV-1a over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** The finaliser of MurmurHash3: spreads every bit of its input. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
