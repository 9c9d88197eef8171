-- The tables of s3://my-bucket/prices/tables/ for ClickHouse.
-- Credentials come from its environment or from <s3> in its configuration. To give others, write them behind the
-- addresses: s3('https://…', 'KEY', 'SECRET', 'Parquet', …)

CREATE DATABASE IF NOT EXISTS `contrail`;

CREATE OR REPLACE VIEW `contrail`.`spot_prices` (
  `provider_name` String COMMENT 'the cloud: aws or azure',
  `region_id` String COMMENT 'the region, as the cloud writes it',
  `availability_zone` Nullable(String) COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` Nullable(String) COMMENT 'the zone, the same for every account',
  `instance_type` String COMMENT 'the machine',
  `operating_system` String COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` String COMMENT 'the product, as the cloud writes it',
  `currency` String COMMENT 'the currency of the price',
  `unit_price` Nullable(Decimal(20, 10)) COMMENT 'the price of an hour from then on',
  `effective_from` DateTime64(6, 'UTC') COMMENT 'when the price began to apply',
  `source_key` String COMMENT 'the key of the raw object that says so',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/spot_prices/dt=*/spot_prices.parquet', 'Parquet',
  '`provider_name` String, `region_id` String, `availability_zone` Nullable(String), `availability_zone_id` Nullable(String), `instance_type` String, `operating_system` String, `product_description` String, `currency` String, `unit_price` Nullable(Decimal(20, 10)), `effective_from` DateTime64(6, \'UTC\'), `source_key` String, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'every change of a spot price';

CREATE OR REPLACE VIEW `contrail`.`spot_prices_daily` (
  `provider_name` String COMMENT 'the cloud: aws or azure',
  `region_id` String COMMENT 'the region, as the cloud writes it',
  `availability_zone` Nullable(String) COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` Nullable(String) COMMENT 'the zone, the same for every account',
  `instance_type` String COMMENT 'the machine',
  `operating_system` String COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` String COMMENT 'the product, as the cloud writes it',
  `currency` String COMMENT 'the currency of the prices',
  `open_price` Nullable(Decimal(20, 10)) COMMENT 'the price at the start of the day, where it is known',
  `close_price` Nullable(Decimal(20, 10)) COMMENT 'the price at the end of what is covered of the day, where it is known',
  `min_price` Nullable(Decimal(20, 10)) COMMENT 'the lowest price of the day',
  `max_price` Nullable(Decimal(20, 10)) COMMENT 'the highest price of the day',
  `time_weighted_avg` Nullable(Decimal(20, 10)) COMMENT 'the mean price over the seconds that are known, rounded to ten places',
  `changes` Int64 COMMENT 'how often the price changed',
  `known_seconds` Int64 COMMENT 'how many seconds of the day the price is known for',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/spot_prices_daily/dt=*/spot_prices_daily.parquet', 'Parquet',
  '`provider_name` String, `region_id` String, `availability_zone` Nullable(String), `availability_zone_id` Nullable(String), `instance_type` String, `operating_system` String, `product_description` String, `currency` String, `open_price` Nullable(Decimal(20, 10)), `close_price` Nullable(Decimal(20, 10)), `min_price` Nullable(Decimal(20, 10)), `max_price` Nullable(Decimal(20, 10)), `time_weighted_avg` Nullable(Decimal(20, 10)), `changes` Int64, `known_seconds` Int64, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'what each spot pool cost on a day';

CREATE OR REPLACE VIEW `contrail`.`spot_advice` (
  `provider_name` String COMMENT 'the cloud: aws or azure',
  `region_id` String COMMENT 'the region, as the cloud writes it',
  `instance_type` String COMMENT 'the machine',
  `operating_system` String COMMENT 'Linux or Windows',
  `interruption_band` Nullable(Int64) COMMENT 'how often they are interrupted: 0 is the best band',
  `interruption_label` Nullable(String) COMMENT 'the band as people are shown it, such as 5-10%',
  `interrupted_min_percent` Nullable(Int64) COMMENT 'where the band begins, in percent',
  `interrupted_max_percent` Nullable(Int64) COMMENT 'where it ends, in percent',
  `savings_percent` Nullable(Int64) COMMENT 'how much less they cost than on demand; below zero: how much more',
  `observed_at` DateTime64(6, 'UTC') COMMENT 'when it was seen',
  `change` String COMMENT 'new, changed or withdrawn',
  `source_key` String COMMENT 'the key of the raw object that says so',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/spot_advice/dt=*/spot_advice.parquet', 'Parquet',
  '`provider_name` String, `region_id` String, `instance_type` String, `operating_system` String, `interruption_band` Nullable(Int64), `interruption_label` Nullable(String), `interrupted_min_percent` Nullable(Int64), `interrupted_max_percent` Nullable(Int64), `savings_percent` Nullable(Int64), `observed_at` DateTime64(6, \'UTC\'), `change` String, `source_key` String, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'every change of how often spot instances are interrupted and what they save';

CREATE OR REPLACE VIEW `contrail`.`list_prices` (
  `provider_name` String COMMENT 'the cloud: aws or azure',
  `service_name` String COMMENT 'the service, as the cloud names it',
  `region_id` Nullable(String) COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` String COMMENT 'what is sold',
  `sku_price_id` String COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` Nullable(String) COMMENT 'the machine, for what is one',
  `operating_system` Nullable(String) COMMENT 'the operating system, for machines',
  `tenancy` Nullable(String) COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` Nullable(String) COMMENT 'software that the price includes, such as a database',
  `product_family` Nullable(String) COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` Nullable(String) COMMENT 'what is metered, as bills name it',
  `pricing_category` String COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` Nullable(Int64) COMMENT 'the years of a commitment',
  `payment_option` Nullable(String) COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` Nullable(String) COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` Nullable(String) COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` String COMMENT 'the currency of the prices',
  `list_unit_price` Nullable(Decimal(20, 10)) COMMENT 'the price of a unit',
  `upfront_price` Nullable(Decimal(20, 10)) COMMENT 'what is due once for the whole term',
  `tier_start` Nullable(Decimal(38, 10)) COMMENT 'from how many units on the price applies',
  `tier_end` Nullable(Decimal(38, 10)) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` Nullable(DateTime64(6, 'UTC')) COMMENT 'since when it applies, as the cloud says',
  `effective_to` Nullable(DateTime64(6, 'UTC')) COMMENT 'until when it applies; none while that is open',
  `observed_at` DateTime64(6, 'UTC') COMMENT 'when the change was seen',
  `change` String COMMENT 'new, changed or withdrawn',
  `source_key` String COMMENT 'the key of the raw object that says so',
  `provider` String COMMENT 'the cloud, as keys write it',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/list_prices/provider=*/dt=*/list_prices.parquet', 'Parquet',
  '`provider_name` String, `service_name` String, `region_id` Nullable(String), `sku_id` String, `sku_price_id` String, `instance_type` Nullable(String), `operating_system` Nullable(String), `tenancy` Nullable(String), `pre_installed_software` Nullable(String), `product_family` Nullable(String), `meter` Nullable(String), `pricing_category` String, `term_years` Nullable(Int64), `payment_option` Nullable(String), `offering_class` Nullable(String), `pricing_unit` Nullable(String), `currency` String, `list_unit_price` Nullable(Decimal(20, 10)), `upfront_price` Nullable(Decimal(20, 10)), `tier_start` Nullable(Decimal(38, 10)), `tier_end` Nullable(Decimal(38, 10)), `effective_from` Nullable(DateTime64(6, \'UTC\')), `effective_to` Nullable(DateTime64(6, \'UTC\')), `observed_at` DateTime64(6, \'UTC\'), `change` String, `source_key` String, `provider` String, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'every change of a list price';

CREATE OR REPLACE VIEW `contrail`.`list_prices_current` (
  `provider_name` String COMMENT 'the cloud: aws or azure',
  `service_name` String COMMENT 'the service, as the cloud names it',
  `region_id` Nullable(String) COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` String COMMENT 'what is sold',
  `sku_price_id` String COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` Nullable(String) COMMENT 'the machine, for what is one',
  `operating_system` Nullable(String) COMMENT 'the operating system, for machines',
  `tenancy` Nullable(String) COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` Nullable(String) COMMENT 'software that the price includes, such as a database',
  `product_family` Nullable(String) COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` Nullable(String) COMMENT 'what is metered, as bills name it',
  `pricing_category` String COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` Nullable(Int64) COMMENT 'the years of a commitment',
  `payment_option` Nullable(String) COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` Nullable(String) COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` Nullable(String) COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` String COMMENT 'the currency of the prices',
  `list_unit_price` Nullable(Decimal(20, 10)) COMMENT 'the price of a unit',
  `upfront_price` Nullable(Decimal(20, 10)) COMMENT 'what is due once for the whole term',
  `tier_start` Nullable(Decimal(38, 10)) COMMENT 'from how many units on the price applies',
  `tier_end` Nullable(Decimal(38, 10)) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` Nullable(DateTime64(6, 'UTC')) COMMENT 'since when it applies, as the cloud says',
  `effective_to` Nullable(DateTime64(6, 'UTC')) COMMENT 'until when it applies; none while that is open',
  `observed_at` DateTime64(6, 'UTC') COMMENT 'when the newest list that has it was fetched',
  `source_key` String COMMENT 'the key of the raw object that says so',
  `provider` String COMMENT 'the cloud, as keys write it',
  `service` String COMMENT 'the service, as keys write it'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/list_prices_current/provider=*/service=*/list_prices_current.parquet', 'Parquet',
  '`provider_name` String, `service_name` String, `region_id` Nullable(String), `sku_id` String, `sku_price_id` String, `instance_type` Nullable(String), `operating_system` Nullable(String), `tenancy` Nullable(String), `pre_installed_software` Nullable(String), `product_family` Nullable(String), `meter` Nullable(String), `pricing_category` String, `term_years` Nullable(Int64), `payment_option` Nullable(String), `offering_class` Nullable(String), `pricing_unit` Nullable(String), `currency` String, `list_unit_price` Nullable(Decimal(20, 10)), `upfront_price` Nullable(Decimal(20, 10)), `tier_start` Nullable(Decimal(38, 10)), `tier_end` Nullable(Decimal(38, 10)), `effective_from` Nullable(DateTime64(6, \'UTC\')), `effective_to` Nullable(DateTime64(6, \'UTC\')), `observed_at` DateTime64(6, \'UTC\'), `source_key` String, `provider` String, `service` String')
SETTINGS use_hive_partitioning = 1
COMMENT 'the newest state of each list price';

CREATE OR REPLACE VIEW `contrail`.`coverage` (
  `dataset` String COMMENT 'the dataset',
  `stream` String COMMENT 'the series of the dataset, as its keys write it',
  `from_time` DateTime64(6, 'UTC') COMMENT 'the beginning of the stretch',
  `to_time` DateTime64(6, 'UTC') COMMENT 'its end, which is not part of it',
  `state` String COMMENT 'known, unchanged, lost, missing or refused',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/coverage/dt=*/coverage.parquet', 'Parquet',
  '`dataset` String, `stream` String, `from_time` DateTime64(6, \'UTC\'), `to_time` DateTime64(6, \'UTC\'), `state` String, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'what the lake knows of each stream, and what it does not';

CREATE OR REPLACE VIEW `contrail`.`crawl_runs` (
  `run` String COMMENT 'the run',
  `dataset` String COMMENT 'the dataset',
  `stream` Nullable(String) COMMENT 'the series of the dataset',
  `slice` Nullable(String) COMMENT 'the piece that was to be fetched',
  `outcome` String COMMENT 'what came of it',
  `key` Nullable(String) COMMENT 'the key of its object',
  `rows` Nullable(Int64) COMMENT 'rows of the payload',
  `raw_bytes` Nullable(Int64) COMMENT 'bytes of the payload',
  `stored_bytes` Nullable(Int64) COMMENT 'bytes of the object',
  `sha256` Nullable(String) COMMENT 'sha256 of the payload',
  `pages` Int64 COMMENT 'pages that were read',
  `requests` Int64 COMMENT 'requests that were made',
  `retries` Int64 COMMENT 'requests that were made again',
  `warnings` Int64 COMMENT 'oddities of the payload',
  `sentinels` Nullable(String) COMMENT 'habits of the upstream that changed, parted by commas',
  `differs` Nullable(Bool) COMMENT 'whether the object that stood already is another one',
  `url` Nullable(String) COMMENT 'where it was fetched',
  `etag` Nullable(String) COMMENT 'the entity tag of the upstream',
  `started` DateTime64(6, 'UTC') COMMENT 'when the attempt began',
  `finished` DateTime64(6, 'UTC') COMMENT 'when it was over',
  `error_kind` Nullable(String) COMMENT 'what kind of error it was',
  `error` Nullable(String) COMMENT 'the error in one line',
  `source_key` String COMMENT 'the key of the raw object that says so',
  `dt` Date COMMENT 'the day, YYYY-MM-DD in UTC'
)
AS SELECT * FROM s3('https://my-bucket.s3.eu-central-1.amazonaws.com/prices/tables/crawl_runs/dt=*/crawl_runs.parquet', 'Parquet',
  '`run` String, `dataset` String, `stream` Nullable(String), `slice` Nullable(String), `outcome` String, `key` Nullable(String), `rows` Nullable(Int64), `raw_bytes` Nullable(Int64), `stored_bytes` Nullable(Int64), `sha256` Nullable(String), `pages` Int64, `requests` Int64, `retries` Int64, `warnings` Int64, `sentinels` Nullable(String), `differs` Nullable(Bool), `url` Nullable(String), `etag` Nullable(String), `started` DateTime64(6, \'UTC\'), `finished` DateTime64(6, \'UTC\'), `error_kind` Nullable(String), `error` Nullable(String), `source_key` String, `dt` Date')
SETTINGS use_hive_partitioning = 1
COMMENT 'every attempt of every run, and what came of it';

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
    AND dt >= today() - 30 AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY region_id
)
SELECT spot.region_id, on_demand.usd_per_hour AS on_demand, spot.mean AS spot, spot.lowest, spot.highest,
  100 * (on_demand.usd_per_hour - spot.mean) / on_demand.usd_per_hour AS saved_percent
FROM spot JOIN on_demand ON on_demand.region_id = spot.region_id
WHERE on_demand.usd_per_hour > 0
ORDER BY spot.mean, spot.region_id;
