/** What a task came to. */
export type Outcome<R> = { readonly value: R } | { readonly error: unknown };

/**
 * Runs a task per item, up to `ahead` at once, and hands over the outcomes in the items' order: storing stays
 * deterministic while the network works ahead. Leaving the loop early waits for what has begun and starts nothing more.
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  ahead: number,
  task: (item: T) => Promise<R>,
): AsyncGenerator<{ readonly item: T; readonly outcome: Outcome<R> }> {
  const started: Promise<Outcome<R>>[] = [];
  const start = (item: T) =>
    started.push(
      task(item).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    );
  for (const item of items.slice(0, ahead)) start(item);
  try {
    for (const [i, item] of items.entries()) {
      const outcome = (await started[i]) as Outcome<R>;
      const next = items[i + ahead];
      yield { item, outcome };
      if (next !== undefined) start(next);
    }
  } finally {
    await Promise.all(started);
  }
}
