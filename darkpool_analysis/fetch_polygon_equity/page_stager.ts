import PQueue from 'p-queue';
import type { Database, Sql } from '../db.js';

/** Lends connections to the staging of pages: so many pages at once as DuckDB has threads, whoever they belong to. */
export class PageStager {
  readonly #queue: PQueue;
  readonly #free: Sql[];
  readonly #all: readonly Sql[];

  private constructor(connections: readonly Sql[]) {
    this.#all = connections;
    this.#free = [...connections];
    this.#queue = new PQueue({ concurrency: connections.length });
  }

  static async open(db: Database): Promise<PageStager> {
    const connections: Sql[] = [];
    // Reading one page keeps one thread busy; more at once would only need more memory.
    for (let i = 0; i < Math.min(db.threads, 2); i++) connections.push(await db.connect());
    return new PageStager(connections);
  }

  /** Runs `task` when a connection is free, in the order asked. */
  run<T>(task: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#queue.add(async () => {
      const sql = this.#free.pop();
      if (sql === undefined) throw new Error('more tasks than connections');
      try {
        return await task(sql);
      } finally {
        this.#free.push(sql);
      }
    });
  }

  close(): void {
    for (const sql of this.#all) sql.close();
  }
}
