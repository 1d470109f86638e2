/**
 * Text built as bytes in one growing array: a hundred megabytes of digits without a JavaScript string per number,
 * which would cost twice the time and leave the collector the rest.
 */
const ZERO = 48;
const COMMA = 44;

export class TextBuffer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written; the buffer is empty afterwards. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #room(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  /** ASCII text as it is. */
  text(text: string): void {
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  comma(): void {
    this.#room(1);
    this.#bytes[this.#length++] = COMMA;
  }

  newline(): void {
    this.#room(1);
    this.#bytes[this.#length++] = 10;
  }

  /** A whole number from 0 to 2^53. */
  int(value: number): void {
    if (value >= 1_000_000_000) {
      const high = Math.floor(value / 1_000_000_000);
      this.int(high);
      this.#padded(value - high * 1_000_000_000, 9);
      return;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits += 1;
    this.#padded(value, digits);
  }

  /** Epoch nanoseconds, from whole seconds and nanoseconds within them: no number ever holds the 19 digits. */
  stamp(seconds: number, nanos: number): void {
    this.int(seconds);
    this.#padded(nanos, 9);
  }

  /** Dollars from a whole number of 10⁻⁴ dollars, without trailing zeros as in the vendor's files: 95.1, 680.005. */
  price(tenThousandths: number): void {
    const dollars = Math.floor(tenThousandths / 10_000);
    this.int(dollars);
    let fraction = tenThousandths - dollars * 10_000;
    if (fraction === 0) return;
    let digits = 4;
    while (fraction % 10 === 0) {
      fraction /= 10;
      digits -= 1;
    }
    this.text('.');
    this.#padded(fraction, digits);
  }

  #padded(value: number, digits: number): void {
    this.#room(digits);
    let rest = value | 0;
    for (let i = this.#length + digits - 1; i >= this.#length; i--) {
      const tenth = (rest / 10) | 0;
      this.#bytes[i] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    this.#length += digits;
  }
}
