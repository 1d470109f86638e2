-- Grain: finra_weekly_versions, one new version of one row of finra_otc_weekly: what differs from what is stored.
-- Inputs (temporary): finra_weekly_staged; finra_weekly_due (week_start, tier, due) = the publication clock;
--   finra_weekly_whole (week_start, tier, summary_type, symbol) = what was read whole, symbol NULL for all symbols:
--   a stored row of it that was not read has been withdrawn.
-- Parameters: $fetched_at; $noticed = New York date of it; $source;
--   $now_shown = the source is the service as it stands today (true), or a file of unknown age (false).

-- Newest stored version of every row of the weeks read.
create or replace temp table finra_weekly_newest as
select *
from finra_otc_weekly
where week_start in (select distinct week_start from finra_weekly_staged)
qualify row_number() over (
  partition by week_start, tier, summary_type, symbol, mpid, firm_crd, product_type, issue_name
  order by visible_from desc, fetched_at desc
) = 1;

-- A source that does not say tier, product or issue name means the stored row that fits, if just one does:
-- otherwise the same volume would stand there under two keys.
create or replace temp table finra_weekly_identified as
with numbered as (
  select row_number() over () as id, * from finra_weekly_staged
),

fitting as (
  select
    s.id, count(*) as candidates, any_value(n.tier) as tier, any_value(n.product_type) as product_type,
    any_value(n.issue_name) as issue_name
  from numbered s
  join finra_weekly_newest n
    on n.week_start = s.week_start and n.summary_type = s.summary_type and n.symbol = s.symbol
    and n.mpid is not distinct from s.mpid and n.firm_crd is not distinct from s.firm_crd
    and not n.withdrawn
    and (s.tier = 'NA' or n.tier = s.tier)
    and (s.product_type is null or n.product_type is null or n.product_type = s.product_type)
    and (s.issue_name is null or n.issue_name is null or n.issue_name = s.issue_name)
  where s.tier = 'NA' or s.product_type is null or s.issue_name is null
  group by s.id
)

select
  s.* replace (
    if(s.tier = 'NA' and f.candidates = 1, f.tier, s.tier) as tier,
    coalesce(s.product_type, if(f.candidates = 1, f.product_type, null)) as product_type,
    coalesce(s.issue_name, if(f.candidates = 1, f.issue_name, null)) as issue_name
  )
from numbered s
left join fitting f on f.id = s.id;

create or replace temp table finra_weekly_versions as
with public as (
  select
    i.*,
    coalesce(greatest(i.initial_published, i.last_update), d.due) as public_from,
    coalesce(i.initial_published, i.last_update) is not null as dated
  from finra_weekly_identified i
  left join finra_weekly_due d on d.week_start = i.week_start and d.tier = i.tier
),

-- What a row is held against: its newest version. (Joins here keep to equalities: anything else is a nested loop.)
against_newest as (
  select
    p.*,
    n.week_start is not null as known, n.visible_from as newest_from, n.withdrawn as newest_withdrawn,
    n.fetched_at as newest_fetched_at, n as newest,
    not $now_shown::boolean and p.dated and known and not n.withdrawn as may_be_old
  from public p
  left join finra_weekly_newest n
    on n.week_start = p.week_start and n.tier = p.tier and n.summary_type = p.summary_type and n.symbol = p.symbol
    and n.mpid is not distinct from p.mpid and n.firm_crd is not distinct from p.firm_crd
    and n.product_type is not distinct from p.product_type and n.issue_name is not distinct from p.issue_name
),

-- A file may be older than what is stored: a dated row of it is held against the version public on its own date.
public_then as (
  select a.id, o as version
  from against_newest a
  join finra_otc_weekly o
    on o.week_start = a.week_start and o.tier = a.tier and o.summary_type = a.summary_type and o.symbol = a.symbol
    and o.mpid is not distinct from a.mpid and o.firm_crd is not distinct from a.firm_crd
    and o.product_type is not distinct from a.product_type and o.issue_name is not distinct from a.issue_name
  where a.may_be_old and o.visible_from <= a.public_from
  qualify row_number() over (partition by a.id order by o.visible_from desc, o.fetched_at desc) = 1
),

compared as (
  select
    a.* exclude (newest, known),
    if(a.may_be_old, t.id is not null, a.known) as known,
    if(a.may_be_old, t.version.shares, a.newest.shares) as old_shares,
    if(a.may_be_old, t.version.withdrawn, a.newest.withdrawn) as old_withdrawn,
    if(a.may_be_old, t.version.raw_symbol, a.newest.raw_symbol) as old_raw_symbol,
    if(a.may_be_old, t.version.firm_name, a.newest.firm_name) as old_firm_name,
    if(a.may_be_old, t.version.trades, a.newest.trades) as old_trades,
    if(a.may_be_old, t.version.notional, a.newest.notional) as old_notional,
    if(a.may_be_old, t.version.initial_published, a.newest.initial_published) as old_initial_published,
    if(a.may_be_old, t.version.last_update, a.newest.last_update) as old_last_update,
    if(a.may_be_old, t.version.last_reported, a.newest.last_reported) as old_last_reported
  from against_newest a
  left join public_then t on t.id = a.id
),

-- A value that the source does not give cannot differ.
changed as (
  select *
  from compared
  where not known
    or old_withdrawn
    or shares <> old_shares
    or raw_symbol <> old_raw_symbol
    or (trades is not null and trades is distinct from old_trades)
    or (notional is not null and notional is distinct from old_notional)
    or (firm_name is not null and firm_name is distinct from old_firm_name)
    or (initial_published is not null and initial_published is distinct from old_initial_published)
    or (last_update is not null and last_update is distinct from old_last_update)
    or (last_reported is not null and last_reported is distinct from old_last_reported)
),

arrived as (
  select
    week_start, tier, summary_type, symbol, raw_symbol, issue_name, mpid, firm_crd, firm_name, product_type,
    shares, trades, notional, initial_published, last_update, last_reported,
    case
      when newest_from is null or may_be_old then public_from
      when public_from > newest_from or (public_from = newest_from and not newest_withdrawn) then public_from
      -- The source did not date this change: it is public from the day it was noticed.
      else greatest(newest_from, $noticed::date)
    end as visible_from,
    false as withdrawn,
    -- Two versions of one moment would have no order.
    greatest($fetched_at::timestamp, newest_fetched_at + interval 1 millisecond) as fetched_at
  from changed
),

not_read as (
  select n.*
  from finra_weekly_newest n
  anti join finra_weekly_identified i
    on i.week_start = n.week_start and i.tier = n.tier and i.summary_type = n.summary_type and i.symbol = n.symbol
    and i.mpid is not distinct from n.mpid and i.firm_crd is not distinct from n.firm_crd
    and i.product_type is not distinct from n.product_type and i.issue_name is not distinct from n.issue_name
  where not n.withdrawn
),

gone as (
  select n.*
  from not_read n
  join (select distinct * from finra_weekly_whole) w
    on w.week_start = n.week_start and w.tier = n.tier and w.summary_type = n.summary_type
  where (w.symbol is null or w.symbol = n.symbol) and ($now_shown::boolean or n.source = $source)
  union
  -- The same row under a fuller key takes the place of one that did not say its tier, product or issue.
  select n.*
  from not_read n
  join finra_weekly_identified i
    on i.week_start = n.week_start and i.summary_type = n.summary_type and i.symbol = n.symbol
    and i.mpid is not distinct from n.mpid and i.firm_crd is not distinct from n.firm_crd
  where (n.tier = 'NA' or n.tier = i.tier)
    and (n.product_type is null or n.product_type is not distinct from i.product_type)
    and (n.issue_name is null or n.issue_name is not distinct from i.issue_name)
),

withdrawn as (
  select
    week_start, tier, summary_type, symbol, raw_symbol, issue_name, mpid, firm_crd, firm_name, product_type,
    0.0 as shares, 0.0 as trades, 0.0 as notional, initial_published, last_update, last_reported,
    greatest(visible_from, $noticed::date) as visible_from,
    true as withdrawn,
    greatest($fetched_at::timestamp, fetched_at + interval 1 millisecond) as fetched_at
  from gone
)

select *, $source::varchar as source from arrived
union all by name
select *, $source::varchar as source from withdrawn;
