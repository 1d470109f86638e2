-- Grain: finra_otc_weekly, one version of one row; pending_weeks, one week whose rows changed.
-- Inputs (temporary): finra_weekly_versions.

insert into pending_weeks
select distinct week_start from finra_weekly_versions
except
select week_start from pending_weeks;

insert into finra_otc_weekly by name
select *
from finra_weekly_versions
order by week_start, tier, summary_type, symbol, issue_name, mpid, firm_crd, product_type, visible_from;
