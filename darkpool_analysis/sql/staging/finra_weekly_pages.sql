-- Grain: finra_weekly_raw, one row as the weeklySummary API sent it, all text.
-- Parameters: $files, the pages of one partition (each a JSON array).

create or replace temp table finra_weekly_raw as
select
  row_number() over () as row_number,
  "weekStartDate" as week,
  "tierIdentifier" as tier,
  "tierDescription" as tier_description,
  "summaryTypeCode" as summary_type,
  "issueSymbolIdentifier" as symbol,
  "issueName" as issue_name,
  "MPID" as mpid,
  "firmCRDNumber" as firm_crd,
  "marketParticipantName" as firm_name,
  "productTypeCode" as product_type,
  "totalWeeklyShareQuantity" as shares,
  "totalWeeklyTradeCount" as trades,
  "totalNotionalSum" as notional,
  "initialPublishedDate" as initial_published,
  "lastUpdateDate" as last_update,
  "lastReportedDate" as last_reported
from read_json($files, format = 'array', columns = {
  weekStartDate: 'varchar', tierIdentifier: 'varchar', tierDescription: 'varchar', summaryTypeCode: 'varchar',
  issueSymbolIdentifier: 'varchar', issueName: 'varchar', MPID: 'varchar', firmCRDNumber: 'varchar',
  marketParticipantName: 'varchar', productTypeCode: 'varchar', totalWeeklyShareQuantity: 'varchar',
  totalWeeklyTradeCount: 'varchar', totalNotionalSum: 'varchar', initialPublishedDate: 'varchar',
  lastUpdateDate: 'varchar', lastReportedDate: 'varchar'
});
