-- The tables of s3://my-bucket/prices/tables/ for Amazon Athena. It takes one statement at a time.
-- Nothing has to be run again when days are added: partitions follow from their names.
-- To describe a table anew, drop it first: DROP TABLE removes the description and no data.

CREATE DATABASE IF NOT EXISTS `contrail`;

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`spot_prices` (
  `provider_name` string COMMENT 'the cloud: aws or azure',
  `region_id` string COMMENT 'the region, as the cloud writes it',
  `availability_zone` string COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` string COMMENT 'the zone, the same for every account',
  `instance_type` string COMMENT 'the machine',
  `operating_system` string COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` string COMMENT 'the product, as the cloud writes it',
  `currency` string COMMENT 'the currency of the price',
  `unit_price` decimal(20, 10) COMMENT 'the price of an hour from then on',
  `effective_from` timestamp COMMENT 'when the price began to apply',
  `source_key` string COMMENT 'the key of the raw object that says so'
)
COMMENT 'every change of a spot price'
PARTITIONED BY (`dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/spot_prices/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-08-22,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/spot_prices/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`spot_prices_daily` (
  `provider_name` string COMMENT 'the cloud: aws or azure',
  `region_id` string COMMENT 'the region, as the cloud writes it',
  `availability_zone` string COMMENT 'the zone, as the account that asked sees it',
  `availability_zone_id` string COMMENT 'the zone, the same for every account',
  `instance_type` string COMMENT 'the machine',
  `operating_system` string COMMENT 'Linux, Windows, RHEL or SUSE',
  `product_description` string COMMENT 'the product, as the cloud writes it',
  `currency` string COMMENT 'the currency of the prices',
  `open_price` decimal(20, 10) COMMENT 'the price at the start of the day, where it is known',
  `close_price` decimal(20, 10) COMMENT 'the price at the end of what is covered of the day, where it is known',
  `min_price` decimal(20, 10) COMMENT 'the lowest price of the day',
  `max_price` decimal(20, 10) COMMENT 'the highest price of the day',
  `time_weighted_avg` decimal(20, 10) COMMENT 'the mean price over the seconds that are known, rounded to ten places',
  `changes` bigint COMMENT 'how often the price changed',
  `known_seconds` bigint COMMENT 'how many seconds of the day the price is known for'
)
COMMENT 'what each spot pool cost on a day'
PARTITIONED BY (`dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/spot_prices_daily/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-08-22,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/spot_prices_daily/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`spot_advice` (
  `provider_name` string COMMENT 'the cloud: aws or azure',
  `region_id` string COMMENT 'the region, as the cloud writes it',
  `instance_type` string COMMENT 'the machine',
  `operating_system` string COMMENT 'Linux or Windows',
  `interruption_band` bigint COMMENT 'how often they are interrupted: 0 is the best band',
  `interruption_label` string COMMENT 'the band as people are shown it, such as 5-10%',
  `interrupted_min_percent` bigint COMMENT 'where the band begins, in percent',
  `interrupted_max_percent` bigint COMMENT 'where it ends, in percent',
  `savings_percent` bigint COMMENT 'how much less they cost than on demand; below zero: how much more',
  `observed_at` timestamp COMMENT 'when it was seen',
  `change` string COMMENT 'new, changed or withdrawn',
  `source_key` string COMMENT 'the key of the raw object that says so'
)
COMMENT 'every change of how often spot instances are interrupted and what they save'
PARTITIONED BY (`dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/spot_advice/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-08-22,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/spot_advice/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`list_prices` (
  `provider_name` string COMMENT 'the cloud: aws or azure',
  `service_name` string COMMENT 'the service, as the cloud names it',
  `region_id` string COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` string COMMENT 'what is sold',
  `sku_price_id` string COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` string COMMENT 'the machine, for what is one',
  `operating_system` string COMMENT 'the operating system, for machines',
  `tenancy` string COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` string COMMENT 'software that the price includes, such as a database',
  `product_family` string COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` string COMMENT 'what is metered, as bills name it',
  `pricing_category` string COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` bigint COMMENT 'the years of a commitment',
  `payment_option` string COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` string COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` string COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` string COMMENT 'the currency of the prices',
  `list_unit_price` decimal(20, 10) COMMENT 'the price of a unit',
  `upfront_price` decimal(20, 10) COMMENT 'what is due once for the whole term',
  `tier_start` decimal(38, 10) COMMENT 'from how many units on the price applies',
  `tier_end` decimal(38, 10) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` timestamp COMMENT 'since when it applies, as the cloud says',
  `effective_to` timestamp COMMENT 'until when it applies; none while that is open',
  `observed_at` timestamp COMMENT 'when the change was seen',
  `change` string COMMENT 'new, changed or withdrawn',
  `source_key` string COMMENT 'the key of the raw object that says so'
)
COMMENT 'every change of a list price'
PARTITIONED BY (`provider` string COMMENT 'the cloud, as keys write it', `dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/list_prices/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.provider.type' = 'enum',
  'projection.provider.values' = 'aws,azure',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2015-12-01,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/list_prices/provider=${provider}/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`list_prices_current` (
  `provider_name` string COMMENT 'the cloud: aws or azure',
  `service_name` string COMMENT 'the service, as the cloud names it',
  `region_id` string COMMENT 'the region, as the cloud writes it; none for what has no place',
  `sku_id` string COMMENT 'what is sold',
  `sku_price_id` string COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  `instance_type` string COMMENT 'the machine, for what is one',
  `operating_system` string COMMENT 'the operating system, for machines',
  `tenancy` string COMMENT 'Shared, Dedicated or Host, for machines',
  `pre_installed_software` string COMMENT 'software that the price includes, such as a database',
  `product_family` string COMMENT 'what kind of thing it is, as the cloud writes it',
  `meter` string COMMENT 'what is metered, as bills name it',
  `pricing_category` string COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  `term_years` bigint COMMENT 'the years of a commitment',
  `payment_option` string COMMENT 'No Upfront, Partial Upfront or All Upfront',
  `offering_class` string COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  `pricing_unit` string COMMENT 'the unit that the price is for, as the cloud writes it',
  `currency` string COMMENT 'the currency of the prices',
  `list_unit_price` decimal(20, 10) COMMENT 'the price of a unit',
  `upfront_price` decimal(20, 10) COMMENT 'what is due once for the whole term',
  `tier_start` decimal(38, 10) COMMENT 'from how many units on the price applies',
  `tier_end` decimal(38, 10) COMMENT 'up to how many units it applies; none without an end',
  `effective_from` timestamp COMMENT 'since when it applies, as the cloud says',
  `effective_to` timestamp COMMENT 'until when it applies; none while that is open',
  `observed_at` timestamp COMMENT 'when the newest list that has it was fetched',
  `source_key` string COMMENT 'the key of the raw object that says so'
)
COMMENT 'the newest state of each list price'
PARTITIONED BY (`provider` string COMMENT 'the cloud, as keys write it')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/list_prices_current/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.provider.type' = 'enum',
  'projection.provider.values' = 'aws,azure',
  'storage.location.template' = 's3://my-bucket/prices/tables/list_prices_current/provider=${provider}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`coverage` (
  `dataset` string COMMENT 'the dataset',
  `stream` string COMMENT 'the series of the dataset, as its keys write it',
  `from_time` timestamp COMMENT 'the beginning of the stretch',
  `to_time` timestamp COMMENT 'its end, which is not part of it',
  `state` string COMMENT 'known, unchanged, lost, missing or refused'
)
COMMENT 'what the lake knows of each stream, and what it does not'
PARTITIONED BY (`dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/coverage/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2015-12-01,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/coverage/dt=${dt}/'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `contrail`.`crawl_runs` (
  `run` string COMMENT 'the run',
  `dataset` string COMMENT 'the dataset',
  `stream` string COMMENT 'the series of the dataset',
  `slice` string COMMENT 'the piece that was to be fetched',
  `outcome` string COMMENT 'what came of it',
  `key` string COMMENT 'the key of its object',
  `rows` bigint COMMENT 'rows of the payload',
  `raw_bytes` bigint COMMENT 'bytes of the payload',
  `stored_bytes` bigint COMMENT 'bytes of the object',
  `sha256` string COMMENT 'sha256 of the payload',
  `pages` bigint COMMENT 'pages that were read',
  `requests` bigint COMMENT 'requests that were made',
  `retries` bigint COMMENT 'requests that were made again',
  `warnings` bigint COMMENT 'oddities of the payload',
  `sentinels` string COMMENT 'habits of the upstream that changed, parted by commas',
  `differs` boolean COMMENT 'whether the object that stood already is another one',
  `url` string COMMENT 'where it was fetched',
  `etag` string COMMENT 'the entity tag of the upstream',
  `started` timestamp COMMENT 'when the attempt began',
  `finished` timestamp COMMENT 'when it was over',
  `error_kind` string COMMENT 'what kind of error it was',
  `error` string COMMENT 'the error in one line',
  `source_key` string COMMENT 'the key of the raw object that says so'
)
COMMENT 'every attempt of every run, and what came of it'
PARTITIONED BY (`dt` string COMMENT 'the day, YYYY-MM-DD in UTC')
STORED AS PARQUET
LOCATION 's3://my-bucket/prices/tables/crawl_runs/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-08-22,NOW',
  'projection.dt.interval' = '1',
  'projection.dt.interval.unit' = 'DAYS',
  'storage.location.template' = 's3://my-bucket/prices/tables/crawl_runs/dt=${dt}/'
);

-- Example: where is an m5.large with Linux cheapest, on demand?
SELECT region_id, MIN(list_unit_price) AS usd_per_hour
FROM "contrail".list_prices_current
WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND instance_type = 'm5.large'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND pricing_category = 'Standard' AND meter LIKE '%BoxUsage:%' AND currency = 'USD'
GROUP BY region_id
ORDER BY usd_per_hour, region_id
LIMIT 5;

-- Example: what did it cost as spot in the last 30 days, against on demand?
WITH on_demand AS (
  SELECT region_id, MIN(list_unit_price) AS usd_per_hour
  FROM "contrail".list_prices_current
  WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND instance_type = 'm5.large'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND pricing_category = 'Standard' AND meter LIKE '%BoxUsage:%' AND currency = 'USD'
  GROUP BY region_id
), spot AS (
  SELECT region_id, MIN(min_price) AS lowest, MAX(max_price) AS highest,
    SUM(time_weighted_avg * known_seconds) / SUM(known_seconds) AS mean
  FROM "contrail".spot_prices_daily
  WHERE instance_type = 'm5.large' AND operating_system = 'Linux'
    AND dt >= CAST(current_date - INTERVAL '30' DAY AS varchar(10)) AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY region_id
)
SELECT spot.region_id, on_demand.usd_per_hour AS on_demand, spot.mean AS spot, spot.lowest, spot.highest,
  100 * (on_demand.usd_per_hour - spot.mean) / on_demand.usd_per_hour AS saved_percent
FROM spot JOIN on_demand ON on_demand.region_id = spot.region_id
WHERE on_demand.usd_per_hour > 0
ORDER BY spot.mean, spot.region_id;
