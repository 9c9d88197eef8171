//! Questions to begin with, in words that all engines share but for the names and the days.

use super::lake::Lake;
use super::text::Dialect;

/// On-demand machines with Linux, one row for each region: what `BoxUsage` meters, not reservations of capacity.
const ON_DEMAND: &str =
    "WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND instance_type = 'm5.large'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND pricing_category = 'Standard' AND meter LIKE '%BoxUsage:%' AND currency = 'USD'";

/// The examples whose tables are among those of `lake`.
pub(super) fn of(lake: &Lake, dialect: &Dialect) -> String {
    let has = |name: &str| lake.tables.iter().any(|standing| standing.table.name == name);
    let database = dialect.name(lake.database.as_str());
    let mut text = String::new();
    if has("list_prices_current") {
        text.push_str(&cheapest_region(&database));
        if has("spot_prices_daily") {
            text.push_str(&spot_against_on_demand(&database, &(dialect.days_ago)(30)));
        }
    }
    text
}

fn cheapest_region(database: &str) -> String {
    format!(
        "
-- Example: where is an m5.large with Linux cheapest, on demand?
SELECT region_id, MIN(list_unit_price) AS usd_per_hour
FROM {database}.list_prices_current
{ON_DEMAND}
GROUP BY region_id
ORDER BY usd_per_hour, region_id
LIMIT 5;
"
    )
}

fn spot_against_on_demand(database: &str, since: &str) -> String {
    format!(
        "
-- Example: what did it cost as spot in the last 30 days, against on demand?
WITH on_demand AS (
  SELECT region_id, MIN(list_unit_price) AS usd_per_hour
  FROM {database}.list_prices_current
  {ON_DEMAND}
  GROUP BY region_id
), spot AS (
  SELECT region_id, MIN(min_price) AS lowest, MAX(max_price) AS highest,
    SUM(time_weighted_avg * known_seconds) / SUM(known_seconds) AS mean
  FROM {database}.spot_prices_daily
  WHERE instance_type = 'm5.large' AND operating_system = 'Linux'
    AND dt >= {since} AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY region_id
)
SELECT spot.region_id, on_demand.usd_per_hour AS on_demand, spot.mean AS spot, spot.lowest, spot.highest,
  100 * (on_demand.usd_per_hour - spot.mean) / on_demand.usd_per_hour AS saved_percent
FROM spot JOIN on_demand ON on_demand.region_id = spot.region_id
WHERE on_demand.usd_per_hour > 0
ORDER BY spot.mean, spot.region_id;
"
    )
}
