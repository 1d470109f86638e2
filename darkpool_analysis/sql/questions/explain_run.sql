-- The run that published this database: the newest in the ledger. Grain: one row.

select
  run_id, strftime(started_at, '%Y-%m-%d %H:%M') as started_utc, data_source, run_mode,
  first_date::varchar as first_date, last_date::varchar as last_date, exit_code
from pipeline_runs
order by run_id desc
limit 1;
