/** What stands around the rows of a Polygon answer. */
export interface Envelope {
  readonly status: string | undefined;
  /** The vendor's own words when it refuses, in whichever field it used. */
  readonly message: string | undefined;
  readonly nextUrl: string | undefined;
}

export interface Page {
  readonly envelope: Envelope;
  /** The bytes of the `results` array, `[` to `]`, a view into the body; undefined when there are no rows. */
  readonly rows: Buffer | undefined;
}

const RESULTS = Buffer.from('"results"');
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CLOSE_ROW = 0x7d;

/**
 * Takes an answer apart without parsing its rows: `JSON.parse` of a 12 MB page costs more than DuckDB's reading of it
 * and rounds nanosecond stamps. The rows are the one array of the answer; what stands around it is small and parsed.
 * @throws SyntaxError when the answer is not whole JSON of that shape (a page cut in the middle, an HTML page).
 */
export function takeApart(body: Buffer): Page {
  const key = body.indexOf(RESULTS);
  const colon = key < 0 ? -1 : body.indexOf(0x3a, key + RESULTS.length);
  const first = colon < 0 ? -1 : firstNonSpace(body, colon + 1);
  if (first < 0 || body[first] !== OPEN) {
    return { envelope: envelopeOf(JSON.parse(body.toString('utf8'))), rows: undefined };
  }
  const last = body.lastIndexOf(CLOSE);
  const around = `${body.toString('utf8', 0, first)}[]${body.toString('utf8', last + 1)}`;
  const envelope = envelopeOf(JSON.parse(around));
  const rows = body.subarray(first, last + 1);
  if (firstNonSpace(rows, 1) === rows.length - 1) return { envelope, rows: undefined };
  // Cut between two fields of a row, the last bracket is that of its conditions and the rest may look whole.
  if (rows[lastNonSpace(rows, rows.length - 2)] !== CLOSE_ROW) throw new SyntaxError('its rows break off');
  return { envelope, rows };
}

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function firstNonSpace(buffer: Buffer, from: number): number {
  for (let i = from; i < buffer.length; i++) if (!isSpace(buffer[i])) return i;
  return -1;
}

function lastNonSpace(buffer: Buffer, from: number): number {
  for (let i = from; i >= 0; i--) if (!isSpace(buffer[i])) return i;
  return -1;
}

function envelopeOf(value: unknown): Envelope {
  if (value === null || typeof value !== 'object') throw new SyntaxError('not a JSON object');
  const { status, message, error, next_url } = value as Record<string, unknown>;
  const text = (field: unknown) => (typeof field === 'string' && field !== '' ? field : undefined);
  return { status: text(status), message: text(message) ?? text(error), nextUrl: text(next_url) };
}
