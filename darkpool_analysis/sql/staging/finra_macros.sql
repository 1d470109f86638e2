-- How FINRA's text becomes values; NULL means "cannot be read", which finra_weekly_problems tells from "not given".
-- Inputs: none. Temporary macros of the connection.

create or replace temp macro finra_date(t) as
  coalesce(try_cast(t as timestamp)::date, try_strptime(t, ['%m/%d/%Y', '%Y%m%d'])::date);

-- try_cast takes nan and inf for numbers; no count of shares is one.
create or replace temp macro finra_number(t) as
  if(isfinite(try_cast(t as double)), try_cast(t as double), null);

create or replace temp macro finra_tier(t) as
  case
    when upper(t) in ('T1', 'NMS TIER 1', 'TIER 1') then 'T1'
    when upper(t) in ('T2', 'NMS TIER 2', 'TIER 2') then 'T2'
    when upper(t) in ('OTCE', 'OTC') then 'OTCE'
    when upper(t) in ('NA', 'N/A') then 'NA'
  end;
