import type { Writable } from 'node:stream';
import pino from 'pino';

/** Where steps say what they do. Results never go here: they are stdout's, and only `cli.ts` prints them. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
  /** A progress bar on a terminal, silence elsewhere. `total` in the unit named by `label`. */
  progress(label: string, total: number): Progress;
}

export interface Progress {
  advance(by?: number): void;
  done(): void;
}

const NO_PROGRESS: Progress = { advance: () => {}, done: () => {} };

/** A log that says nothing: for questions, and for tests that do not look at it. */
export const SILENT_LOG: Log = {
  info: () => {},
  warn: () => {},
  debug: () => {},
  progress: () => NO_PROGRESS,
};

export interface LogOptions {
  /** Values replaced by `***` wherever they would appear: the last line of defence, not the first. */
  readonly secrets?: readonly string[];
  readonly stream?: Writable & { isTTY?: boolean; columns?: number };
}

/** JSON lines on stderr; short lines and progress bars when stderr is a terminal. */
export function createLog({ secrets = [], stream = process.stderr }: LogOptions = {}): Log {
  const redact = (text: string) =>
    secrets.reduce((clean, secret) => (secret === '' ? clean : clean.replaceAll(secret, '***')), text);
  return stream.isTTY === true ? terminalLog(stream, redact) : jsonLog(stream, redact);
}

function jsonLog(stream: Writable, redact: (text: string) => string): Log {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stream.write(redact(line)) },
  );
  return {
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    debug: (message, fields = {}) => logger.debug(fields, message),
    progress: () => NO_PROGRESS,
  };
}

function terminalLog(stream: Writable & { columns?: number }, redact: (text: string) => string): Log {
  let bar = '';
  const clear = () => {
    if (bar !== '') stream.write('\r\x1b[K');
  };
  const line = (mark: string, message: string) => {
    clear();
    stream.write(`${redact(`${mark}${message}`)}\n${bar}`);
  };
  return {
    info: (message) => line('  ', message),
    warn: (message) => line('! ', message),
    debug: () => {},
    progress(label, total) {
      let count = 0;
      const draw = () => {
        const width = 24;
        const filled = total === 0 ? width : Math.round((width * Math.min(count, total)) / total);
        clear();
        bar = `  ${label} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${count}/${total}`.slice(
          0,
          (stream.columns ?? 80) - 1,
        );
        stream.write(bar);
      };
      draw();
      return {
        advance(by = 1) {
          count += by;
          draw();
        },
        done() {
          clear();
          bar = '';
        },
      };
    },
  };
}
