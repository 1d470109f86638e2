/** What a person reads on a terminal: tables of at most 80 columns, numbers aligned and shortened. */

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

/** A plain text table; unknown is "–". */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => line[i]?.length ?? 0)),
  );
  const line = (values: readonly string[]) =>
    values
      .map((value, i) =>
        columns[i]?.right === true ? value.padStart(widths[i] ?? 0) : value.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [
    line(columns.map((column) => column.title)),
    line(widths.map((width) => '─'.repeat(width))),
    ...cells.map(line),
  ].join('\n');
}

/** Shares: 1.23M, 45.6k, 789. */
export function shares(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size >= 999_950_000) return `${(value / 1e9).toFixed(2)}bn`;
  if (size >= 999_950) return `${(value / 1e6).toFixed(2)}M`;
  if (size >= 10_000) return `${(value / 1e3).toFixed(1)}k`;
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

/** A ratio of 0–1 with three digits. */
export function ratio(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(3);
}

export function text(value: string | null | undefined): string {
  return value === null || value === undefined ? '–' : value;
}

/** Text broken at spaces to a width. */
export function wrap(words: string, width = 80, indent = ''): string {
  const lines: string[] = [];
  let current = '';
  for (const word of words.split(/\s+/)) {
    if (current !== '' && current.length + 1 + word.length > width - indent.length) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  lines.push(current);
  return lines.map((line) => `${indent}${line}`).join('\n');
}
