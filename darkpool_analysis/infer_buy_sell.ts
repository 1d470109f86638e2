import type { Context } from './context.js';
import { regularHoursNs, sessionOn } from './market_calendar.js';

/** Trades classified at a time: memory stays the same whatever the day's size, and sorting stays in memory. */
const RANGE_ROWS = 2_000_000;
/** The number of a symbol-day is packed above a price of 44 bits: 2^19 of them fit. */
const RANGE_UNITS = 100_000;

interface Unit {
  readonly symbol: string;
  readonly date: string;
  readonly trades: number;
}

/**
 * Infers the direction of every symbol-day whose trades were stored since the last time: each trade is classified
 * once (where its price lies against the NBBO, its tick, its venue and status) and counted in
 * `direction_classes_daily`; every rule of facts/trade_direction.md is then a look-up there (`rule_side`).
 * @param rangeRows trades classified at a time; the result does not depend on it.
 * @returns symbol-days classified.
 */
export async function inferBuySell(ctx: Context, rangeRows = RANGE_ROWS): Promise<number> {
  const { config, db } = ctx;
  await renewWhenSettingsChanged(ctx);
  const units = await db.rows<Unit>(
    `select p.symbol, p.date::varchar as date, count(t.symbol)::double as trades
     from pending_directions p
     left join polygon_trades t on t.symbol = p.symbol and t.date = p.date
     group by p.symbol, p.date
     order by p.date, p.symbol`,
  );
  const progress = ctx.log.progress('inferring direction', units.length);
  try {
    for (const range of ranges(units, rangeRows)) {
      const rows = range.map(({ symbol, date }) => {
        const session = sessionOn(date);
        const hours =
          session === undefined
            ? { startNs: 0n, endNs: 0n }
            : regularHoursNs(session, config.RTH_START, config.RTH_END, config.MARKET_TZ);
        return { symbol, date, start: String(hours.startNs), end: String(hours.endNs) };
      });
      await db.run(
        `create or replace temp table range_units as
         select u ->> 'symbol' as symbol, (u ->> 'date')::date as date,
           (u ->> 'start')::bigint as start_ns, (u ->> 'end')::bigint as end_ns
         from (select unnest(from_json($units, '["json"]')) as u)`,
        { units: JSON.stringify(rows) },
      );
      await db.runFile('direction/ordered_trades', {
        clock: config.MATCH_CLOCK,
        first: range[0]?.date ?? '',
        last: range[range.length - 1]?.date ?? '',
      });
      // Streaming windows keep the order of their input only where one thread reads it.
      await db.run('set threads = 1');
      try {
        await db.runFile('direction/classify_trades');
      } finally {
        await db.run(`set threads = ${db.threads}`);
      }
      // What follows joins in memory; the rows it no longer needs make room.
      await db.run('drop table ordered_trades');
      await db.runFile('direction/off_exchange_prints');
      await db.transaction(async () => {
        await db.runFile('direction/direction_classes');
        await db.runFile('direction/intraday_profile');
      });
      await db.run('drop view classified_trades; drop table off_exchange_prints; drop table ticked_trades');
      progress.advance(range.length);
    }
  } finally {
    progress.done();
  }
  return units.length;
}

/** Units in order, cut where a range has its fill. */
function ranges(units: readonly Unit[], rangeRows: number): Unit[][] {
  const cut: Unit[][] = [];
  let rows = rangeRows;
  for (const unit of units) {
    const full = (cut[cut.length - 1]?.length ?? 0) >= RANGE_UNITS;
    if (full || rows >= rangeRows || rows + unit.trades > rangeRows) {
      cut.push([]);
      rows = 0;
    }
    cut[cut.length - 1]?.push(unit);
    rows += unit.trades;
  }
  return cut;
}

/** Classes rest on regular hours and the clock: when those change, every day whose trades are kept is due anew. */
async function renewWhenSettingsChanged(ctx: Context): Promise<void> {
  const { config, db } = ctx;
  const value = `${config.RTH_START}-${config.RTH_END} ${config.MARKET_TZ} ${config.MATCH_CLOCK}`;
  const before = await db.row<{ value: string }>(
    "select value from pipeline_state where key = 'direction_settings'",
  );
  if (before?.value === value) return;
  await db.transaction(() =>
    db.run(
      `insert into pending_directions
       select distinct symbol, date from polygon_trades where $changed except select symbol, date from pending_directions;
       insert into pending_days
       select symbol, date from pending_directions except select symbol, date from pending_days;
       delete from pipeline_state where key = 'direction_settings';
       insert into pipeline_state values ('direction_settings', $value)`,
      { value, changed: before !== undefined },
    ),
  );
}
