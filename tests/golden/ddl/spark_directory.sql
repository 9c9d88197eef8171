-- The tables of /var/lib/contrail/lake/tables/ for Spark SQL.
-- Spark learns of new days by MSCK REPAIR TABLE: run these statements again after a build.
-- To describe a table anew, drop it first: DROP TABLE removes the description and no data.

SET TIME ZONE 'UTC';

CREATE DATABASE IF NOT EXISTS `contrail`;

CREATE TABLE IF NOT EXISTS `contrail`.`spot_prices` (
  `provider_name` STRING COMMENT 'the cloud: aws or azure',
  `region_id` STRING COMMENT 'the region, as the cloud writes it',
  `availability_zone` STRING COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` STRING COMMENT 'the zone, the same for every account',
  `instance_type` STRING COMMENT 'the machine',
  `operating_system` STRING COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` STRING COMMENT 'the product, as the cloud writes it',
  `currency` STRING COMMENT 'the currency of the price',
  `unit_price` DECIMAL(20, 10) COMMENT 'the price of an hour from then on',
  `effective_from` TIMESTAMP COMMENT 'when the price began to apply',
  `source_key` STRING COMMENT 'the key of the raw object that says so',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/spot_prices/'
COMMENT 'every change of a spot price';

MSCK REPAIR TABLE `contrail`.`spot_prices`;

CREATE TABLE IF NOT EXISTS `contrail`.`spot_prices_daily` (
  `provider_name` STRING COMMENT 'the cloud: aws or azure',
  `region_id` STRING COMMENT 'the region, as the cloud writes it',
  `availability_zone` STRING COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` STRING COMMENT 'the zone, the same for every account',
  `instance_type` STRING COMMENT 'the machine',
  `operating_system` STRING COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` STRING COMMENT 'the product, as the cloud writes it',
  `currency` STRING COMMENT 'the currency of the prices',
  `open_price` DECIMAL(20, 10) COMMENT 'the price at the start of the day, where it is known',
  `close_price` DECIMAL(20, 10) COMMENT 'the price at the end of what is covered of the day, where it is known',
  `min_price` DECIMAL(20, 10) COMMENT 'the lowest price of the day',
  `max_price` DECIMAL(20, 10) COMMENT 'the highest price of the day',
  `time_weighted_avg` DECIMAL(20, 10) COMMENT 'the mean price over the seconds that are known, rounded to ten places',
  `changes` BIGINT COMMENT 'how often the price changed',
  `known_seconds` BIGINT COMMENT 'how many seconds of the day the price is known for',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/spot_prices_daily/'
COMMENT 'what each spot pool cost on a day';

MSCK REPAIR TABLE `contrail`.`spot_prices_daily`;

CREATE TABLE IF NOT EXISTS `contrail`.`spot_advice` (
  `provider_name` STRING COMMENT 'the cloud: aws or azure',
  `region_id` STRING COMMENT 'the region, as the cloud writes it',
  `instance_type` STRING COMMENT 'the machine',
  `operating_system` STRING COMMENT 'Linux or Windows',
  `interruption_band` BIGINT COMMENT 'how often they are interrupted: 0 is the best band',
  `interruption_label` STRING COMMENT 'the band as people are shown it, such as 5-10%',
  `interrupted_min_percent` BIGINT COMMENT 'where the band begins, in percent',
  `interrupted_max_percent` BIGINT COMMENT 'where it ends, in percent',
  `savings_percent` BIGINT COMMENT 'how much less they cost than on demand; below zero: how much more',
  `observed_at` TIMESTAMP COMMENT 'when it was seen',
  `change` STRING COMMENT 'new, changed or withdrawn',
  `source_key` STRING COMMENT 'the key of the raw object that says so',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/spot_advice/'
COMMENT 'every change of how often spot instances are interrupted and what they save';

MSCK REPAIR TABLE `contrail`.`spot_advice`;

CREATE TABLE IF NOT EXISTS `contrail`.`list_prices` (
  `provider_name` STRING COMMENT 'the cloud: aws or azure',
  `service_name` STRING COMMENT 'the service, as the cloud names it',
  `region_id` STRING COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` STRING COMMENT 'what is sold',
  `sku_price_id` STRING COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` STRING COMMENT 'the machine, for what is one',
  `operating_system` STRING COMMENT 'the operating system, for machines',
  `tenancy` STRING COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` STRING COMMENT 'software that the price includes, such as a database',
  `product_family` STRING COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` STRING COMMENT 'what is metered, as bills name it',
  `pricing_category` STRING COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` BIGINT COMMENT 'the years of a commitment',
  `payment_option` STRING COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` STRING COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` STRING COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` STRING COMMENT 'the currency of the prices',
  `list_unit_price` DECIMAL(20, 10) COMMENT 'the price of a unit',
  `upfront_price` DECIMAL(20, 10) COMMENT 'what is due once for the whole term',
  `tier_start` DECIMAL(38, 10) COMMENT 'from how many units on the price applies',
  `tier_end` DECIMAL(38, 10) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` TIMESTAMP COMMENT 'since when it applies, as the cloud says',
  `effective_to` TIMESTAMP COMMENT 'until when it applies; none while that is open',
  `observed_at` TIMESTAMP COMMENT 'when the change was seen',
  `change` STRING COMMENT 'new, changed or withdrawn',
  `source_key` STRING COMMENT 'the key of the raw object that says so',
  `provider` STRING COMMENT 'the cloud, as keys write it',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`provider`, `dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/list_prices/'
COMMENT 'every change of a list price';

MSCK REPAIR TABLE `contrail`.`list_prices`;

CREATE TABLE IF NOT EXISTS `contrail`.`list_prices_current` (
  `provider_name` STRING COMMENT 'the cloud: aws or azure',
  `service_name` STRING COMMENT 'the service, as the cloud names it',
  `region_id` STRING COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` STRING COMMENT 'what is sold',
  `sku_price_id` STRING COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` STRING COMMENT 'the machine, for what is one',
  `operating_system` STRING COMMENT 'the operating system, for machines',
  `tenancy` STRING COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` STRING COMMENT 'software that the price includes, such as a database',
  `product_family` STRING COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` STRING COMMENT 'what is metered, as bills name it',
  `pricing_category` STRING COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` BIGINT COMMENT 'the years of a commitment',
  `payment_option` STRING COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` STRING COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` STRING COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` STRING COMMENT 'the currency of the prices',
  `list_unit_price` DECIMAL(20, 10) COMMENT 'the price of a unit',
  `upfront_price` DECIMAL(20, 10) COMMENT 'what is due once for the whole term',
  `tier_start` DECIMAL(38, 10) COMMENT 'from how many units on the price applies',
  `tier_end` DECIMAL(38, 10) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` TIMESTAMP COMMENT 'since when it applies, as the cloud says',
  `effective_to` TIMESTAMP COMMENT 'until when it applies; none while that is open',
  `observed_at` TIMESTAMP COMMENT 'when the newest list that has it was fetched',
  `source_key` STRING COMMENT 'the key of the raw object that says so',
  `provider` STRING COMMENT 'the cloud, as keys write it',
  `service` STRING COMMENT 'the service, as keys write it'
)
USING PARQUET
PARTITIONED BY (`provider`, `service`)
LOCATION 'file:/var/lib/contrail/lake/tables/list_prices_current/'
COMMENT 'the newest state of each list price';

MSCK REPAIR TABLE `contrail`.`list_prices_current`;

CREATE TABLE IF NOT EXISTS `contrail`.`coverage` (
  `dataset` STRING COMMENT 'the dataset',
  `stream` STRING COMMENT 'the series of the dataset, as its keys write it',
  `from_time` TIMESTAMP COMMENT 'the beginning of the stretch',
  `to_time` TIMESTAMP COMMENT 'its end, which is not part of it',
  `state` STRING COMMENT 'known, unchanged, lost, missing or refused',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/coverage/'
COMMENT 'what the lake knows of each stream, and what it does not';

MSCK REPAIR TABLE `contrail`.`coverage`;

CREATE TABLE IF NOT EXISTS `contrail`.`crawl_runs` (
  `run` STRING COMMENT 'the run',
  `dataset` STRING COMMENT 'the dataset',
  `stream` STRING COMMENT 'the series of the dataset',
  `slice` STRING COMMENT 'the piece that was to be fetched',
  `outcome` STRING COMMENT 'what came of it',
  `key` STRING COMMENT 'the key of its object',
  `rows` BIGINT COMMENT 'rows of the payload',
  `raw_bytes` BIGINT COMMENT 'bytes of the payload',
  `stored_bytes` BIGINT COMMENT 'bytes of the object',
  `sha256` STRING COMMENT 'sha256 of the payload',
  `pages` BIGINT COMMENT 'pages that were read',
  `requests` BIGINT COMMENT 'requests that were made',
  `retries` BIGINT COMMENT 'requests that were made again',
  `warnings` BIGINT COMMENT 'oddities of the payload',
  `sentinels` STRING COMMENT 'habits of the upstream that changed, parted by commas',
  `differs` BOOLEAN COMMENT 'whether the object that stood already is another one',
  `url` STRING COMMENT 'where it was fetched',
  `etag` STRING COMMENT 'the entity tag of the upstream',
  `started` TIMESTAMP COMMENT 'when the attempt began',
  `finished` TIMESTAMP COMMENT 'when it was over',
  `error_kind` STRING COMMENT 'what kind of error it was',
  `error` STRING COMMENT 'the error in one line',
  `source_key` STRING COMMENT 'the key of the raw object that says so',
  `dt` DATE COMMENT 'the day, YYYY-MM-DD in UTC'
)
USING PARQUET
PARTITIONED BY (`dt`)
LOCATION 'file:/var/lib/contrail/lake/tables/crawl_runs/'
COMMENT 'every attempt of every run, and what came of it';

-- crawl_runs has no objects yet. Once it has: MSCK REPAIR TABLE `contrail`.`crawl_runs`

-- Example: where is an m5.large with Linux cheapest, on demand?
SELECT region_id, MIN(list_unit_price) AS usd_per_hour
FROM `contrail`.list_prices_current
WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND instance_type = 'm5.large'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND pricing_category = 'Standard' AND meter LIKE '%BoxUsage:%' AND currency = 'USD'
GROUP BY region_id
ORDER BY usd_per_hour, region_id
LIMIT 5;

-- Example: what did it cost as spot in the last 30 days, against on demand?
WITH on_demand AS (
  SELECT region_id, MIN(list_unit_price) AS usd_per_hour
  FROM `contrail`.list_prices_current
  WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND instance_type = 'm5.large'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND pricing_category = 'Standard' AND meter LIKE '%BoxUsage:%' AND currency = 'USD'
  GROUP BY region_id
), spot AS (
  SELECT region_id, MIN(min_price) AS lowest, MAX(max_price) AS highest,
    SUM(time_weighted_avg * known_seconds) / SUM(known_seconds) AS mean
  FROM `contrail`.spot_prices_daily
  WHERE instance_type = 'm5.large' AND operating_system = 'Linux'
    AND dt >= date_sub(current_date(), 30) AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY region_id
)
SELECT spot.region_id, on_demand.usd_per_hour AS on_demand, spot.mean AS spot, spot.lowest, spot.highest,
  100 * (on_demand.usd_per_hour - spot.mean) / on_demand.usd_per_hour AS saved_percent
FROM spot JOIN on_demand ON on_demand.region_id = spot.region_id
WHERE on_demand.usd_per_hour > 0
ORDER BY spot.mean, spot.region_id;
