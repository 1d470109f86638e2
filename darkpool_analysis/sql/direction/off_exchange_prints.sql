-- Grain: off_exchange_prints, one row per off-exchange print of classified_trades, which from here on reads them from it:
-- the as-of join behind their tick costs more than all else that is asked of them, and two questions ask.
-- Inputs (temporary): classified_trades, ticked_trades.

create or replace temp table off_exchange_prints as
select * from classified_trades
where venue = 'off';

create or replace temp view classified_trades as
select * from ticked_trades
where venue = 'lit'
union all by name
select * from off_exchange_prints;
