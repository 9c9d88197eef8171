-- Four questions about prices, for Amazon Athena, over the tables that `contrail ddl athena` describes. Trino takes them
-- too. Change the types in each `wanted`; prices are in US dollars an hour.

-- 1. Where is it cheapest to run one of these now, on demand or as spot?
WITH wanted (instance_type) AS (
  VALUES ('m5.large'), ('c5.large')
), latest AS (
  SELECT MAX(dt) AS dt
  FROM "contrail".spot_prices_daily
  WHERE dt >= CAST(current_date - INTERVAL '7' DAY AS varchar(10))
), places AS (
  SELECT instance_type, 'on demand' AS way, region_id, CAST(NULL AS varchar(64)) AS zone, MIN(list_unit_price) AS usd
  FROM "contrail".list_prices_current
  WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND pricing_category = 'Standard'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND meter LIKE '%BoxUsage:%' AND currency = 'USD' AND list_unit_price IS NOT NULL
  GROUP BY instance_type, region_id
  UNION ALL
  SELECT instance_type, 'spot' AS way, region_id, COALESCE(availability_zone_id, availability_zone) AS zone, close_price AS usd
  FROM "contrail".spot_prices_daily
  WHERE dt = (SELECT dt FROM latest) AND operating_system = 'Linux' AND currency = 'USD' AND close_price IS NOT NULL
)
SELECT instance_type, way, region_id, zone, usd
FROM places
WHERE instance_type IN (SELECT instance_type FROM wanted)
ORDER BY usd, instance_type, way, region_id, zone
LIMIT 10;

-- 2. What would spot have saved in the last 90 days? Its mean price over the time that is known, against on demand today.
WITH wanted (instance_type) AS (
  VALUES ('m5.large'), ('c5.large')
), on_demand AS (
  SELECT instance_type, region_id, MIN(list_unit_price) AS usd
  FROM "contrail".list_prices_current
  WHERE provider_name = 'aws' AND service_name = 'AmazonEC2' AND pricing_category = 'Standard'
    AND operating_system = 'Linux' AND tenancy = 'Shared' AND pre_installed_software IS NULL
    AND meter LIKE '%BoxUsage:%' AND currency = 'USD' AND list_unit_price > 0
  GROUP BY instance_type, region_id
), spot AS (
  SELECT instance_type, region_id, SUM(known_seconds) AS known_seconds,
    CAST(SUM(time_weighted_avg * CAST(known_seconds AS decimal(10, 0))) AS decimal(30, 10))
      / CAST(SUM(known_seconds) AS decimal(12, 0)) AS usd
  FROM "contrail".spot_prices_daily
  WHERE dt >= CAST(current_date - INTERVAL '90' DAY AS varchar(10))
    AND operating_system = 'Linux' AND currency = 'USD' AND time_weighted_avg IS NOT NULL AND known_seconds > 0
  GROUP BY instance_type, region_id
)
SELECT spot.instance_type, spot.region_id, spot.known_seconds, on_demand.usd AS on_demand,
  CAST(spot.usd AS decimal(20, 6)) AS spot,
  CAST(100 * (on_demand.usd - spot.usd) / on_demand.usd AS decimal(38, 2)) AS saved_percent
FROM spot JOIN on_demand ON on_demand.instance_type = spot.instance_type AND on_demand.region_id = spot.region_id
WHERE spot.instance_type IN (SELECT instance_type FROM wanted)
ORDER BY saved_percent DESC, spot.instance_type, spot.region_id;

-- 3. What changed in the price lists this month? The former price of a rate stands in its row before. Azure tells a new price
-- as a rate that begins later, so the two are seen together where they were told together.
WITH states AS (
  SELECT provider_name, service_name, change, dt, list_unit_price,
    LAG(list_unit_price) OVER (
      PARTITION BY provider_name, service_name, region_id, sku_id, sku_price_id, meter, currency
      ORDER BY observed_at, COALESCE(effective_from, observed_at), dt
    ) AS former
  FROM "contrail".list_prices
)
SELECT provider_name, service_name, change, COUNT(*) AS rates,
  SUM(CASE WHEN list_unit_price > former THEN 1 ELSE 0 END) AS dearer,
  SUM(CASE WHEN list_unit_price < former THEN 1 ELSE 0 END) AS cheaper
FROM states
WHERE dt >= substr(CAST(current_date AS varchar(10)), 1, 7) || '-01'
GROUP BY provider_name, service_name, change
ORDER BY provider_name, service_name, change;

-- 4. How volatile are the pools of these, over the last 30 days? The swing is what lies between the lowest and the highest
-- price, in percent of the lowest.
WITH wanted (instance_type) AS (
  VALUES ('m5.large'), ('c5.large')
)
SELECT instance_type, region_id, COALESCE(availability_zone_id, availability_zone) AS zone, product_description,
  COUNT(*) AS days, SUM(changes) AS changes, MIN(min_price) AS lowest, MAX(max_price) AS highest,
  CAST(100 * (MAX(max_price) - MIN(min_price)) / MIN(min_price) AS decimal(38, 2)) AS swing_percent
FROM "contrail".spot_prices_daily
WHERE dt >= CAST(current_date - INTERVAL '30' DAY AS varchar(10)) AND min_price > 0
  AND instance_type IN (SELECT instance_type FROM wanted)
GROUP BY instance_type, region_id, COALESCE(availability_zone_id, availability_zone), product_description
ORDER BY swing_percent DESC, instance_type, region_id, zone, product_description
LIMIT 20;
