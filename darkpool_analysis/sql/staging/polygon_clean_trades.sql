-- Grain: clean_trades, one row per print of kept_trades, duplicates removed, in tape order.
-- For feeds that kept_trades found out of order or with repeating sequence numbers.
-- Identity of a print: (symbol, date, exchange, trf_id, trade_id, sequence_number); without an id, equal rows are two trades.
-- Few or no rows come twice, so the candidates are found by a hash and only those compared.

create or replace temp table repeated_identities as
select identity
from (select hash(symbol, exchange, trf_id, trade_id, sequence_number) as identity from kept_trades where trade_id is not null)
group by identity
having count(*) > 1;

create or replace temp table clean_trades as
with identified as (
  select
    *,
    trade_id is not null
      and hash(symbol, exchange, trf_id, trade_id, sequence_number) in (select identity from repeated_identities) as candidate
  from kept_trades
)
select * exclude (candidate) from identified where not candidate
union all
select * exclude (candidate) from identified where candidate
qualify row_number() over (
  partition by symbol, exchange, trf_id, trade_id, sequence_number
  order by sip_ns, participant_ns, price_e6, shares_e6, conditions, correction
) = 1
order by
  symbol, sip_ns, sequence_number, exchange, trf_id, trade_id, participant_ns, price_e6, shares_e6, conditions;

drop table repeated_identities;
