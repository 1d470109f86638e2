/**
 * The few errors the product throws on purpose. Each says what to do next; `cli.ts` prints the message alone and
 * turns `exitCode` into the process's exit code. Anything else that escapes is a bug and shows its stack.
 */
export abstract class DarkpoolError extends Error {
  abstract readonly code: string;
  abstract readonly exitCode: number;
  override get name(): string {
    return this.constructor.name;
  }
}

/** A setting or flag is wrong: nothing has been fetched. Names the setting, its value and what would be right. */
export class ConfigError extends DarkpoolError {
  readonly code = 'CONFIG';
  readonly exitCode = 2;
}

/** What a vendor did: carries method, URL (without secrets), status and retry-after where there was an answer. */
export class VendorError extends DarkpoolError {
  readonly code = 'VENDOR';
  readonly exitCode = 1;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    about: { method?: string; url?: string; status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: about.cause });
    this.method = about.method;
    this.url = about.url;
    this.status = about.status;
    this.retryAfterMs = about.retryAfterMs;
  }
}

/** Data that cannot be right: names the file, the row and what was expected. What was stored before stays whole. */
export class DataError extends DarkpoolError {
  readonly code = 'DATA';
  readonly exitCode = 1;
}

/** Another run holds the database; `pid` is its process where known. */
export class LockedError extends DarkpoolError {
  readonly code = 'LOCKED';
  readonly exitCode = 75;
  readonly pid: number | undefined;

  constructor(message: string, pid: number | undefined, cause?: unknown) {
    super(message, { cause });
    this.pid = pid;
  }
}

/** The message of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
