-- The tables of s3://my-bucket/prices/tables/ for Trino,
-- in a catalog of its Hive connector (trino --catalog hive), whose properties have
-- hive.partition-projection-enabled=true
-- fs.native-s3.enabled=true
-- s3.region=eu-central-1
-- To describe a table anew, drop it first: DROP TABLE removes the description and no data.

CREATE SCHEMA IF NOT EXISTS "contrail";

CREATE TABLE IF NOT EXISTS "contrail"."spot_prices" (
  "provider_name" varchar COMMENT 'the cloud: aws or azure',
  "region_id" varchar COMMENT 'the region, as the cloud writes it',
  "availability_zone" varchar COMMENT 'the zone, as the account that asked sees it',
  "availability_zone_id" varchar COMMENT 'the zone, the same for every account',
  "instance_type" varchar COMMENT 'the machine',
  "operating_system" varchar COMMENT 'Linux, Windows, RHEL or SUSE',
  "product_description" varchar COMMENT 'the product, as the cloud writes it',
  "currency" varchar COMMENT 'the currency of the price',
  "unit_price" decimal(20, 10) COMMENT 'the price of an hour from then on',
  "effective_from" timestamp(3) COMMENT 'when the price began to apply',
  "source_key" varchar COMMENT 'the key of the raw object that says so',
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2026-08-22', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'every change of a spot price'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/spot_prices/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/spot_prices/dt=${dt}/'
);

CREATE TABLE IF NOT EXISTS "contrail"."spot_prices_daily" (
  "provider_name" varchar COMMENT 'the cloud: aws or azure',
  "region_id" varchar COMMENT 'the region, as the cloud writes it',
  "availability_zone" varchar COMMENT 'the zone, as the account that asked sees it',
  "availability_zone_id" varchar COMMENT 'the zone, the same for every account',
  "instance_type" varchar COMMENT 'the machine',
  "operating_system" varchar COMMENT 'Linux, Windows, RHEL or SUSE',
  "product_description" varchar COMMENT 'the product, as the cloud writes it',
  "currency" varchar COMMENT 'the currency of the prices',
  "open_price" decimal(20, 10) COMMENT 'the price at the start of the day, where it is known',
  "close_price" decimal(20, 10) COMMENT 'the price at the end of what is covered of the day, where it is known',
  "min_price" decimal(20, 10) COMMENT 'the lowest price of the day',
  "max_price" decimal(20, 10) COMMENT 'the highest price of the day',
  "time_weighted_avg" decimal(20, 10) COMMENT 'the mean price over the seconds that are known, rounded to ten places',
  "changes" bigint COMMENT 'how often the price changed',
  "known_seconds" bigint COMMENT 'how many seconds of the day the price is known for',
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2026-08-22', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'what each spot pool cost on a day'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/spot_prices_daily/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/spot_prices_daily/dt=${dt}/'
);

CREATE TABLE IF NOT EXISTS "contrail"."spot_advice" (
  "provider_name" varchar COMMENT 'the cloud: aws or azure',
  "region_id" varchar COMMENT 'the region, as the cloud writes it',
  "instance_type" varchar COMMENT 'the machine',
  "operating_system" varchar COMMENT 'Linux or Windows',
  "interruption_band" bigint COMMENT 'how often they are interrupted: 0 is the best band',
  "interruption_label" varchar COMMENT 'the band as people are shown it, such as 5-10%',
  "interrupted_min_percent" bigint COMMENT 'where the band begins, in percent',
  "interrupted_max_percent" bigint COMMENT 'where it ends, in percent',
  "savings_percent" bigint COMMENT 'how much less they cost than on demand; below zero: how much more',
  "observed_at" timestamp(3) COMMENT 'when it was seen',
  "change" varchar COMMENT 'new, changed or withdrawn',
  "source_key" varchar COMMENT 'the key of the raw object that says so',
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2026-08-22', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'every change of how often spot instances are interrupted and what they save'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/spot_advice/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/spot_advice/dt=${dt}/'
);

CREATE TABLE IF NOT EXISTS "contrail"."list_prices" (
  "provider_name" varchar COMMENT 'the cloud: aws or azure',
  "service_name" varchar COMMENT 'the service, as the cloud names it',
  "region_id" varchar COMMENT 'the region, as the cloud writes it; none for what has no place',
  "sku_id" varchar COMMENT 'what is sold',
  "sku_price_id" varchar COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  "instance_type" varchar COMMENT 'the machine, for what is one',
  "operating_system" varchar COMMENT 'the operating system, for machines',
  "tenancy" varchar COMMENT 'Shared, Dedicated or Host, for machines',
  "pre_installed_software" varchar COMMENT 'software that the price includes, such as a database',
  "product_family" varchar COMMENT 'what kind of thing it is, as the cloud writes it',
  "meter" varchar COMMENT 'what is metered, as bills name it',
  "pricing_category" varchar COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  "term_years" bigint COMMENT 'the years of a commitment',
  "payment_option" varchar COMMENT 'No Upfront, Partial Upfront or All Upfront',
  "offering_class" varchar COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  "pricing_unit" varchar COMMENT 'the unit that the price is for, as the cloud writes it',
  "currency" varchar COMMENT 'the currency of the prices',
  "list_unit_price" decimal(20, 10) COMMENT 'the price of a unit',
  "upfront_price" decimal(20, 10) COMMENT 'what is due once for the whole term',
  "tier_start" decimal(38, 10) COMMENT 'from how many units on the price applies',
  "tier_end" decimal(38, 10) COMMENT 'up to how many units it applies; none without an end',
  "effective_from" timestamp(3) COMMENT 'since when it applies, as the cloud says',
  "effective_to" timestamp(3) COMMENT 'until when it applies; none while that is open',
  "observed_at" timestamp(3) COMMENT 'when the change was seen',
  "change" varchar COMMENT 'new, changed or withdrawn',
  "source_key" varchar COMMENT 'the key of the raw object that says so',
  "provider" varchar COMMENT 'the cloud, as keys write it' WITH (partition_projection_type = 'ENUM', partition_projection_values = ARRAY['aws', 'azure']),
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2015-12-01', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'every change of a list price'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/list_prices/',
  partitioned_by = ARRAY['provider', 'dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/list_prices/provider=${provider}/dt=${dt}/'
);

CREATE TABLE IF NOT EXISTS "contrail"."list_prices_current" (
  "provider_name" varchar COMMENT 'the cloud: aws or azure',
  "service_name" varchar COMMENT 'the service, as the cloud names it',
  "region_id" varchar COMMENT 'the region, as the cloud writes it; none for what has no place',
  "sku_id" varchar COMMENT 'what is sold',
  "sku_price_id" varchar COMMENT 'the rate: unlike for each price, term and tier of what is sold',
  "instance_type" varchar COMMENT 'the machine, for what is one',
  "operating_system" varchar COMMENT 'the operating system, for machines',
  "tenancy" varchar COMMENT 'Shared, Dedicated or Host, for machines',
  "pre_installed_software" varchar COMMENT 'software that the price includes, such as a database',
  "product_family" varchar COMMENT 'what kind of thing it is, as the cloud writes it',
  "meter" varchar COMMENT 'what is metered, as bills name it',
  "pricing_category" varchar COMMENT 'Standard, Committed (for a term) or Dynamic (spot, low priority)',
  "term_years" bigint COMMENT 'the years of a commitment',
  "payment_option" varchar COMMENT 'No Upfront, Partial Upfront or All Upfront',
  "offering_class" varchar COMMENT 'on what terms: standard, convertible, reservation, savings plan or dev/test',
  "pricing_unit" varchar COMMENT 'the unit that the price is for, as the cloud writes it',
  "currency" varchar COMMENT 'the currency of the prices',
  "list_unit_price" decimal(20, 10) COMMENT 'the price of a unit',
  "upfront_price" decimal(20, 10) COMMENT 'what is due once for the whole term',
  "tier_start" decimal(38, 10) COMMENT 'from how many units on the price applies',
  "tier_end" decimal(38, 10) COMMENT 'up to how many units it applies; none without an end',
  "effective_from" timestamp(3) COMMENT 'since when it applies, as the cloud says',
  "effective_to" timestamp(3) COMMENT 'until when it applies; none while that is open',
  "observed_at" timestamp(3) COMMENT 'when the newest list that has it was fetched',
  "source_key" varchar COMMENT 'the key of the raw object that says so',
  "provider" varchar COMMENT 'the cloud, as keys write it',
  "service" varchar COMMENT 'the service, as keys write it'
)
COMMENT 'the newest state of each list price'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/list_prices_current/',
  partitioned_by = ARRAY['provider', 'service']
);

-- Again whenever a service is new:
CALL system.sync_partition_metadata('contrail', 'list_prices_current', 'FULL');

CREATE TABLE IF NOT EXISTS "contrail"."coverage" (
  "dataset" varchar COMMENT 'the dataset',
  "stream" varchar COMMENT 'the series of the dataset, as its keys write it',
  "from_time" timestamp(3) COMMENT 'the beginning of the stretch',
  "to_time" timestamp(3) COMMENT 'its end, which is not part of it',
  "state" varchar COMMENT 'known, unchanged, lost, missing or refused',
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2015-12-01', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'what the lake knows of each stream, and what it does not'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/coverage/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/coverage/dt=${dt}/'
);

CREATE TABLE IF NOT EXISTS "contrail"."crawl_runs" (
  "run" varchar COMMENT 'the run',
  "dataset" varchar COMMENT 'the dataset',
  "stream" varchar COMMENT 'the series of the dataset',
  "slice" varchar COMMENT 'the piece that was to be fetched',
  "outcome" varchar COMMENT 'what came of it',
  "key" varchar COMMENT 'the key of its object',
  "rows" bigint COMMENT 'rows of the payload',
  "raw_bytes" bigint COMMENT 'bytes of the payload',
  "stored_bytes" bigint COMMENT 'bytes of the object',
  "sha256" varchar COMMENT 'sha256 of the payload',
  "pages" bigint COMMENT 'pages that were read',
  "requests" bigint COMMENT 'requests that were made',
  "retries" bigint COMMENT 'requests that were made again',
  "warnings" bigint COMMENT 'oddities of the payload',
  "sentinels" varchar COMMENT 'habits of the upstream that changed, parted by commas',
  "differs" boolean COMMENT 'whether the object that stood already is another one',
  "url" varchar COMMENT 'where it was fetched',
  "etag" varchar COMMENT 'the entity tag of the upstream',
  "started" timestamp(3) COMMENT 'when the attempt began',
  "finished" timestamp(3) COMMENT 'when it was over',
  "error_kind" varchar COMMENT 'what kind of error it was',
  "error" varchar COMMENT 'the error in one line',
  "source_key" varchar COMMENT 'the key of the raw object that says so',
  "dt" varchar COMMENT 'the day, YYYY-MM-DD in UTC' WITH (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = ARRAY['2026-08-22', 'NOW'], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')
)
COMMENT 'every attempt of every run, and what came of it'
WITH (
  format = 'PARQUET',
  external_location = 's3://my-bucket/prices/tables/crawl_runs/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://my-bucket/prices/tables/crawl_runs/dt=${dt}/'
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
