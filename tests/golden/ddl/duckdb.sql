-- The tables of s3://my-bucket/prices/tables/ for DuckDB. Views see new days by themselves;
-- run these statements again when a table was built for the first time.

CREATE OR REPLACE SECRET "contrail" (
  TYPE s3,
  PROVIDER credential_chain,
  REGION 'eu-central-1',
  SCOPE 's3://my-bucket/prices'
);

CREATE SCHEMA IF NOT EXISTS "contrail";

CREATE OR REPLACE VIEW "contrail"."spot_prices" AS SELECT
  "provider_name",
  "region_id",
  "availability_zone",
  "availability_zone_id",
  "instance_type",
  "operating_system",
  "product_description",
  "currency",
  "unit_price",
  "effective_from",
  "source_key",
  "dt"
FROM read_parquet(
  's3://my-bucket/prices/tables/spot_prices/dt=*/spot_prices.parquet',
  hive_partitioning = true,
  hive_types = {"dt": DATE}
);
COMMENT ON VIEW "contrail"."spot_prices" IS 'every change of a spot price';
COMMENT ON COLUMN "contrail"."spot_prices"."provider_name" IS 'the cloud: aws or azure';
COMMENT ON COLUMN "contrail"."spot_prices"."region_id" IS 'the region, as the cloud writes it';
COMMENT ON COLUMN "contrail"."spot_prices"."availability_zone" IS 'the zone, as the account that asked sees it';
COMMENT ON COLUMN "contrail"."spot_prices"."availability_zone_id" IS 'the zone, the same for every account';
COMMENT ON COLUMN "contrail"."spot_prices"."instance_type" IS 'the machine';
COMMENT ON COLUMN "contrail"."spot_prices"."operating_system" IS 'Linux, Windows, RHEL or SUSE';
COMMENT ON COLUMN "contrail"."spot_prices"."product_description" IS 'the product, as the cloud writes it';
COMMENT ON COLUMN "contrail"."spot_prices"."currency" IS 'the currency of the price';
COMMENT ON COLUMN "contrail"."spot_prices"."unit_price" IS 'the price of an hour from then on';
COMMENT ON COLUMN "contrail"."spot_prices"."effective_from" IS 'when the price began to apply';
COMMENT ON COLUMN "contrail"."spot_prices"."source_key" IS 'the key of the raw object that says so';

CREATE OR REPLACE VIEW "contrail"."spot_prices_daily" AS SELECT
  "provider_name",
  "region_id",
  "availability_zone",
  "availability_zone_id",
  "instance_type",
  "operating_system",
  "product_description",
  "currency",
  "open_price",
  "close_price",
  "min_price",
  "max_price",
  "time_weighted_avg",
  "changes",
  "known_seconds",
  "dt"
FROM read_parquet(
  's3://my-bucket/prices/tables/spot_prices_daily/dt=*/spot_prices_daily.parquet',
  hive_partitioning = true,
  hive_types = {"dt": DATE}
);
COMMENT ON VIEW "contrail"."spot_prices_daily" IS 'what each spot pool cost on a day';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."provider_name" IS 'the cloud: aws or azure';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."region_id" IS 'the region, as the cloud writes it';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."availability_zone" IS 'the zone, as the account that asked sees it';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."availability_zone_id" IS 'the zone, the same for every account';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."instance_type" IS 'the machine';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."operating_system" IS 'Linux, Windows, RHEL or SUSE';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."product_description" IS 'the product, as the cloud writes it';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."currency" IS 'the currency of the prices';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."open_price" IS 'the price at the start of the day, where it is known';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."close_price" IS 'the price at the end of what is covered of the day, where it is known';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."min_price" IS 'the lowest price of the day';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."max_price" IS 'the highest price of the day';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."time_weighted_avg" IS 'the mean price over the seconds that are known, rounded to ten places';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."changes" IS 'how often the price changed';
COMMENT ON COLUMN "contrail"."spot_prices_daily"."known_seconds" IS 'how many seconds of the day the price is known for';

CREATE OR REPLACE VIEW "contrail"."spot_advice" AS SELECT
  "provider_name",
  "region_id",
  "instance_type",
  "operating_system",
  "interruption_band",
  "interruption_label",
  "interrupted_min_percent",
  "interrupted_max_percent",
  "savings_percent",
  "observed_at",
  "change",
  "source_key",
  "dt"
FROM read_parquet(
  's3://my-bucket/prices/tables/spot_advice/dt=*/spot_advice.parquet',
  hive_partitioning = true,
  hive_types = {"dt": DATE}
);
COMMENT ON VIEW "contrail"."spot_advice" IS 'every change of how often spot instances are interrupted and what they save';
COMMENT ON COLUMN "contrail"."spot_advice"."provider_name" IS 'the cloud: aws or azure';
COMMENT ON COLUMN "contrail"."spot_advice"."region_id" IS 'the region, as the cloud writes it';
COMMENT ON COLUMN "contrail"."spot_advice"."instance_type" IS 'the machine';
COMMENT ON COLUMN "contrail"."spot_advice"."operating_system" IS 'Linux or Windows';
COMMENT ON COLUMN "contrail"."spot_advice"."interruption_band" IS 'how often they are interrupted: 0 is the best band';
COMMENT ON COLUMN "contrail"."spot_advice"."interruption_label" IS 'the band as people are shown it, such as 5-10%';
COMMENT ON COLUMN "contrail"."spot_advice"."interrupted_min_percent" IS 'where the band begins, in percent';
COMMENT ON COLUMN "contrail"."spot_advice"."interrupted_max_percent" IS 'where it ends, in percent';
COMMENT ON COLUMN "contrail"."spot_advice"."savings_percent" IS 'how much less they cost than on demand; below zero: how much more';
COMMENT ON COLUMN "contrail"."spot_advice"."observed_at" IS 'when it was seen';
COMMENT ON COLUMN "contrail"."spot_advice"."change" IS 'new, changed or withdrawn';
COMMENT ON COLUMN "contrail"."spot_advice"."source_key" IS 'the key of the raw object that says so';

CREATE OR REPLACE VIEW "contrail"."list_prices" AS SELECT
  "provider_name",
  "service_name",
  "region_id",
  "sku_id",
  "sku_price_id",
  "instance_type",
  "operating_system",
  "tenancy",
  "pre_installed_software",
  "product_family",
  "meter",
  "pricing_category",
  "term_years",
  "payment_option",
  "offering_class",
  "pricing_unit",
  "currency",
  "list_unit_price",
  "upfront_price",
  "tier_start",
  "tier_end",
  "effective_from",
  "effective_to",
  "observed_at",
  "change",
  "source_key",
  "provider",
  "dt"
FROM read_parquet(
  's3://my-bucket/prices/tables/list_prices/provider=*/dt=*/list_prices.parquet',
  hive_partitioning = true,
  hive_types = {"provider": VARCHAR, "dt": DATE}
);
COMMENT ON VIEW "contrail"."list_prices" IS 'every change of a list price';
COMMENT ON COLUMN "contrail"."list_prices"."provider_name" IS 'the cloud: aws or azure';
COMMENT ON COLUMN "contrail"."list_prices"."service_name" IS 'the service, as the cloud names it';
COMMENT ON COLUMN "contrail"."list_prices"."region_id" IS 'the region, as the cloud writes it; none for what has no place';
COMMENT ON COLUMN "contrail"."list_prices"."sku_id" IS 'what is sold';
COMMENT ON COLUMN "contrail"."list_prices"."sku_price_id" IS 'the rate: unlike for each price, term and tier of what is sold';
COMMENT ON COLUMN "contrail"."list_prices"."instance_type" IS 'the machine, for what is one';
COMMENT ON COLUMN "contrail"."list_prices"."operating_system" IS 'the operating system, for machines';
COMMENT ON COLUMN "contrail"."list_prices"."tenancy" IS 'Shared, Dedicated or Host, for machines';
COMMENT ON COLUMN "contrail"."list_prices"."pre_installed_software" IS 'software that the price includes, such as a database';
COMMENT ON COLUMN "contrail"."list_prices"."product_family" IS 'what kind of thing it is, as the cloud writes it';
COMMENT ON COLUMN "contrail"."list_prices"."meter" IS 'what is metered, as bills name it';
COMMENT ON COLUMN "contrail"."list_prices"."pricing_category" IS 'Standard, Committed (for a term) or Dynamic (spot, low priority)';
COMMENT ON COLUMN "contrail"."list_prices"."term_years" IS 'the years of a commitment';
COMMENT ON COLUMN "contrail"."list_prices"."payment_option" IS 'No Upfront, Partial Upfront or All Upfront';
COMMENT ON COLUMN "contrail"."list_prices"."offering_class" IS 'on what terms: standard, convertible, reservation, savings plan or dev/test';
COMMENT ON COLUMN "contrail"."list_prices"."pricing_unit" IS 'the unit that the price is for, as the cloud writes it';
COMMENT ON COLUMN "contrail"."list_prices"."currency" IS 'the currency of the prices';
COMMENT ON COLUMN "contrail"."list_prices"."list_unit_price" IS 'the price of a unit';
COMMENT ON COLUMN "contrail"."list_prices"."upfront_price" IS 'what is due once for the whole term';
COMMENT ON COLUMN "contrail"."list_prices"."tier_start" IS 'from how many units on the price applies';
COMMENT ON COLUMN "contrail"."list_prices"."tier_end" IS 'up to how many units it applies; none without an end';
COMMENT ON COLUMN "contrail"."list_prices"."effective_from" IS 'since when it applies, as the cloud says';
COMMENT ON COLUMN "contrail"."list_prices"."effective_to" IS 'until when it applies; none while that is open';
COMMENT ON COLUMN "contrail"."list_prices"."observed_at" IS 'when the change was seen';
COMMENT ON COLUMN "contrail"."list_prices"."change" IS 'new, changed or withdrawn';
COMMENT ON COLUMN "contrail"."list_prices"."source_key" IS 'the key of the raw object that says so';

CREATE OR REPLACE VIEW "contrail"."list_prices_current" AS SELECT
  "provider_name",
  "service_name",
  "region_id",
  "sku_id",
  "sku_price_id",
  "instance_type",
  "operating_system",
  "tenancy",
  "pre_installed_software",
  "product_family",
  "meter",
  "pricing_category",
  "term_years",
  "payment_option",
  "offering_class",
  "pricing_unit",
  "currency",
  "list_unit_price",
  "upfront_price",
  "tier_start",
  "tier_end",
  "effective_from",
  "effective_to",
  "observed_at",
  "source_key",
  "provider",
  "service"
FROM read_parquet(
  's3://my-bucket/prices/tables/list_prices_current/provider=*/service=*/list_prices_current.parquet',
  hive_partitioning = true,
  hive_types = {"provider": VARCHAR, "service": VARCHAR}
);
COMMENT ON VIEW "contrail"."list_prices_current" IS 'the newest state of each list price';
COMMENT ON COLUMN "contrail"."list_prices_current"."provider_name" IS 'the cloud: aws or azure';
COMMENT ON COLUMN "contrail"."list_prices_current"."service_name" IS 'the service, as the cloud names it';
COMMENT ON COLUMN "contrail"."list_prices_current"."region_id" IS 'the region, as the cloud writes it; none for what has no place';
COMMENT ON COLUMN "contrail"."list_prices_current"."sku_id" IS 'what is sold';
COMMENT ON COLUMN "contrail"."list_prices_current"."sku_price_id" IS 'the rate: unlike for each price, term and tier of what is sold';
COMMENT ON COLUMN "contrail"."list_prices_current"."instance_type" IS 'the machine, for what is one';
COMMENT ON COLUMN "contrail"."list_prices_current"."operating_system" IS 'the operating system, for machines';
COMMENT ON COLUMN "contrail"."list_prices_current"."tenancy" IS 'Shared, Dedicated or Host, for machines';
COMMENT ON COLUMN "contrail"."list_prices_current"."pre_installed_software" IS 'software that the price includes, such as a database';
COMMENT ON COLUMN "contrail"."list_prices_current"."product_family" IS 'what kind of thing it is, as the cloud writes it';
COMMENT ON COLUMN "contrail"."list_prices_current"."meter" IS 'what is metered, as bills name it';
COMMENT ON COLUMN "contrail"."list_prices_current"."pricing_category" IS 'Standard, Committed (for a term) or Dynamic (spot, low priority)';
COMMENT ON COLUMN "contrail"."list_prices_current"."term_years" IS 'the years of a commitment';
COMMENT ON COLUMN "contrail"."list_prices_current"."payment_option" IS 'No Upfront, Partial Upfront or All Upfront';
COMMENT ON COLUMN "contrail"."list_prices_current"."offering_class" IS 'on what terms: standard, convertible, reservation, savings plan or dev/test';
COMMENT ON COLUMN "contrail"."list_prices_current"."pricing_unit" IS 'the unit that the price is for, as the cloud writes it';
COMMENT ON COLUMN "contrail"."list_prices_current"."currency" IS 'the currency of the prices';
COMMENT ON COLUMN "contrail"."list_prices_current"."list_unit_price" IS 'the price of a unit';
COMMENT ON COLUMN "contrail"."list_prices_current"."upfront_price" IS 'what is due once for the whole term';
COMMENT ON COLUMN "contrail"."list_prices_current"."tier_start" IS 'from how many units on the price applies';
COMMENT ON COLUMN "contrail"."list_prices_current"."tier_end" IS 'up to how many units it applies; none without an end';
COMMENT ON COLUMN "contrail"."list_prices_current"."effective_from" IS 'since when it applies, as the cloud says';
COMMENT ON COLUMN "contrail"."list_prices_current"."effective_to" IS 'until when it applies; none while that is open';
COMMENT ON COLUMN "contrail"."list_prices_current"."observed_at" IS 'when the newest list that has it was fetched';
COMMENT ON COLUMN "contrail"."list_prices_current"."source_key" IS 'the key of the raw object that says so';

CREATE OR REPLACE VIEW "contrail"."coverage" AS SELECT
  "dataset",
  "stream",
  "from_time",
  "to_time",
  "state",
  "dt"
FROM read_parquet(
  's3://my-bucket/prices/tables/coverage/dt=*/coverage.parquet',
  hive_partitioning = true,
  hive_types = {"dt": DATE}
);
COMMENT ON VIEW "contrail"."coverage" IS 'what the lake knows of each stream, and what it does not';
COMMENT ON COLUMN "contrail"."coverage"."dataset" IS 'the dataset';
COMMENT ON COLUMN "contrail"."coverage"."stream" IS 'the series of the dataset, as its keys write it';
COMMENT ON COLUMN "contrail"."coverage"."from_time" IS 'the beginning of the stretch';
COMMENT ON COLUMN "contrail"."coverage"."to_time" IS 'its end, which is not part of it';
COMMENT ON COLUMN "contrail"."coverage"."state" IS 'known, unchanged, lost, missing or refused';

CREATE OR REPLACE VIEW "contrail"."crawl_runs" AS SELECT -- there are no objects yet
  NULL::VARCHAR AS "run",
  NULL::VARCHAR AS "dataset",
  NULL::VARCHAR AS "stream",
  NULL::VARCHAR AS "slice",
  NULL::VARCHAR AS "outcome",
  NULL::VARCHAR AS "key",
  NULL::BIGINT AS "rows",
  NULL::BIGINT AS "raw_bytes",
  NULL::BIGINT AS "stored_bytes",
  NULL::VARCHAR AS "sha256",
  NULL::BIGINT AS "pages",
  NULL::BIGINT AS "requests",
  NULL::BIGINT AS "retries",
  NULL::BIGINT AS "warnings",
  NULL::VARCHAR AS "sentinels",
  NULL::BOOLEAN AS "differs",
  NULL::VARCHAR AS "url",
  NULL::VARCHAR AS "etag",
  NULL::TIMESTAMPTZ AS "started",
  NULL::TIMESTAMPTZ AS "finished",
  NULL::VARCHAR AS "error_kind",
  NULL::VARCHAR AS "error",
  NULL::VARCHAR AS "source_key",
  NULL::DATE AS "dt"
WHERE false;
COMMENT ON VIEW "contrail"."crawl_runs" IS 'every attempt of every run, and what came of it';
COMMENT ON COLUMN "contrail"."crawl_runs"."run" IS 'the run';
COMMENT ON COLUMN "contrail"."crawl_runs"."dataset" IS 'the dataset';
COMMENT ON COLUMN "contrail"."crawl_runs"."stream" IS 'the series of the dataset';
COMMENT ON COLUMN "contrail"."crawl_runs"."slice" IS 'the piece that was to be fetched';
COMMENT ON COLUMN "contrail"."crawl_runs"."outcome" IS 'what came of it';
COMMENT ON COLUMN "contrail"."crawl_runs"."key" IS 'the key of its object';
COMMENT ON COLUMN "contrail"."crawl_runs"."rows" IS 'rows of the payload';
COMMENT ON COLUMN "contrail"."crawl_runs"."raw_bytes" IS 'bytes of the payload';
COMMENT ON COLUMN "contrail"."crawl_runs"."stored_bytes" IS 'bytes of the object';
COMMENT ON COLUMN "contrail"."crawl_runs"."sha256" IS 'sha256 of the payload';
COMMENT ON COLUMN "contrail"."crawl_runs"."pages" IS 'pages that were read';
COMMENT ON COLUMN "contrail"."crawl_runs"."requests" IS 'requests that were made';
COMMENT ON COLUMN "contrail"."crawl_runs"."retries" IS 'requests that were made again';
COMMENT ON COLUMN "contrail"."crawl_runs"."warnings" IS 'oddities of the payload';
COMMENT ON COLUMN "contrail"."crawl_runs"."sentinels" IS 'habits of the upstream that changed, parted by commas';
COMMENT ON COLUMN "contrail"."crawl_runs"."differs" IS 'whether the object that stood already is another one';
COMMENT ON COLUMN "contrail"."crawl_runs"."url" IS 'where it was fetched';
COMMENT ON COLUMN "contrail"."crawl_runs"."etag" IS 'the entity tag of the upstream';
COMMENT ON COLUMN "contrail"."crawl_runs"."started" IS 'when the attempt began';
COMMENT ON COLUMN "contrail"."crawl_runs"."finished" IS 'when it was over';
COMMENT ON COLUMN "contrail"."crawl_runs"."error_kind" IS 'what kind of error it was';
COMMENT ON COLUMN "contrail"."crawl_runs"."error" IS 'the error in one line';
COMMENT ON COLUMN "contrail"."crawl_runs"."source_key" IS 'the key of the raw object that says so';

CREATE OR REPLACE VIEW "contrail"."raw_aws_spot_prices" AS SELECT
  json ->> 'AvailabilityZone' AS "availabilityzone",
  json ->> 'AvailabilityZoneId' AS "availabilityzoneid",
  json ->> 'InstanceType' AS "instancetype",
  json ->> 'ProductDescription' AS "productdescription",
  json ->> 'SpotPrice' AS "spotprice",
  json ->> 'Timestamp' AS "timestamp",
  json,
  "dt",
  "region"
FROM read_ndjson_objects(
  's3://my-bucket/prices/raw/aws_spot_prices/dt=*/region=*/*.ndjson.gz',
  hive_partitioning = true,
  hive_types = {"dt": DATE, "region": VARCHAR}
);

CREATE OR REPLACE VIEW "contrail"."raw_azure_retail_prices" AS SELECT
  json ->> 'currencyCode' AS "currencycode",
  json ->> 'tierMinimumUnits' AS "tierminimumunits",
  json ->> 'retailPrice' AS "retailprice",
  json ->> 'unitPrice' AS "unitprice",
  json ->> 'armRegionName' AS "armregionname",
  json ->> 'location' AS "location",
  json ->> 'effectiveStartDate' AS "effectivestartdate",
  json ->> 'effectiveEndDate' AS "effectiveenddate",
  json ->> 'meterId' AS "meterid",
  json ->> 'meterName' AS "metername",
  json ->> 'productId' AS "productid",
  json ->> 'skuId' AS "skuid",
  json ->> 'productName' AS "productname",
  json ->> 'skuName' AS "skuname",
  json ->> 'serviceName' AS "servicename",
  json ->> 'serviceId' AS "serviceid",
  json ->> 'serviceFamily' AS "servicefamily",
  json ->> 'unitOfMeasure' AS "unitofmeasure",
  json ->> 'type' AS "type",
  json ->> 'isPrimaryMeterRegion' AS "isprimarymeterregion",
  json ->> 'armSkuName' AS "armskuname",
  json ->> 'reservationTerm' AS "reservationterm",
  json ->> 'savingsPlan' AS "savingsplan",
  json,
  "dt",
  "currency",
  "price_type"
FROM read_ndjson_objects(
  's3://my-bucket/prices/raw/azure_retail_prices/dt=*/currency=*/price_type=*/*.ndjson.gz',
  hive_partitioning = true,
  hive_types = {"dt": DATE, "currency": VARCHAR, "price_type": VARCHAR}
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
    AND dt >= current_date - 30 AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY region_id
)
SELECT spot.region_id, on_demand.usd_per_hour AS on_demand, spot.mean AS spot, spot.lowest, spot.highest,
  100 * (on_demand.usd_per_hour - spot.mean) / on_demand.usd_per_hour AS saved_percent
FROM spot JOIN on_demand ON on_demand.region_id = spot.region_id
WHERE on_demand.usd_per_hour > 0
ORDER BY spot.mean, spot.region_id;
