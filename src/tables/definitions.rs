//! The tables themselves. A contract with everyone who queries the lake, held by `tests/golden/tables.txt`.

use super::schema::Kind::{Boolean, Integer, Moment, Price, Quantity, Text};
use super::schema::{Column, Partitions, Table};

/// Every table, in the order in which people meet them.
pub static TABLES: [&Table; 7] = [
    &SPOT_PRICES,
    &SPOT_PRICES_DAILY,
    &SPOT_ADVICE,
    &LIST_PRICES,
    &LIST_PRICES_CURRENT,
    &COVERAGE,
    &CRAWL_RUNS,
];

const PROVIDER: Column = Column::known("provider_name", Text, "the cloud: aws or azure");
const REGION: Column = Column::known("region_id", Text, "the region, as the cloud writes it");
const SOURCE: Column = Column::known("source_key", Text, "the key of the raw object that says so");

/// One row for each change of a spot price.
pub static SPOT_PRICES: Table = Table {
    name: "spot_prices",
    description: "every change of a spot price",
    columns: &[
        PROVIDER,
        REGION,
        Column::maybe("availability_zone", Text, "the zone, as the account that asked sees it"),
        Column::maybe("availability_zone_id", Text, "the zone, the same for every account"),
        Column::known("instance_type", Text, "the machine"),
        Column::known("operating_system", Text, "Linux, Windows, RHEL or SUSE"),
        Column::known("product_description", Text, "the product, as the cloud writes it"),
        Column::known("currency", Text, "the currency of the price"),
        Column::maybe("unit_price", Price, "the price of an hour from then on"),
        Column::known("effective_from", Moment, "when the price began to apply"),
        SOURCE,
    ],
    order: &[
        "instance_type",
        "region_id",
        "availability_zone_id",
        "availability_zone",
        "product_description",
        "effective_from",
    ],
    partitions: Partitions::Day,
    sought: &["instance_type"],
};

/// One row for each pool and day.
pub static SPOT_PRICES_DAILY: Table = Table {
    name: "spot_prices_daily",
    description: "what each spot pool cost on a day",
    columns: &[
        PROVIDER,
        REGION,
        Column::maybe("availability_zone", Text, "the zone, as the account that asked sees it"),
        Column::maybe("availability_zone_id", Text, "the zone, the same for every account"),
        Column::known("instance_type", Text, "the machine"),
        Column::known("operating_system", Text, "Linux, Windows, RHEL or SUSE"),
        Column::known("product_description", Text, "the product, as the cloud writes it"),
        Column::known("currency", Text, "the currency of the prices"),
        Column::maybe("open_price", Price, "the price at the start of the day, where it is known"),
        Column::maybe(
            "close_price",
            Price,
            "the price at the end of what is covered of the day, where it is known",
        ),
        Column::maybe("min_price", Price, "the lowest price of the day"),
        Column::maybe("max_price", Price, "the highest price of the day"),
        Column::maybe(
            "time_weighted_avg",
            Price,
            "the mean price over the seconds that are known, rounded to ten places",
        ),
        Column::known("changes", Integer, "how often the price changed"),
        Column::known("known_seconds", Integer, "how many seconds of the day the price is known for"),
    ],
    order: &[
        "instance_type",
        "region_id",
        "availability_zone_id",
        "availability_zone",
        "product_description",
    ],
    partitions: Partitions::Day,
    sought: &["instance_type"],
};

/// One row for each change of how often spot instances are interrupted, or of what they save.
pub static SPOT_ADVICE: Table = Table {
    name: "spot_advice",
    description: "every change of how often spot instances are interrupted and what they save",
    columns: &[
        PROVIDER,
        REGION,
        Column::known("instance_type", Text, "the machine"),
        Column::known("operating_system", Text, "Linux or Windows"),
        Column::maybe("interruption_band", Integer, "how often they are interrupted: 0 is the best band"),
        Column::maybe("interruption_label", Text, "the band as people are shown it, such as 5-10%"),
        Column::maybe("interrupted_min_percent", Integer, "where the band begins, in percent"),
        Column::maybe("interrupted_max_percent", Integer, "where it ends, in percent"),
        Column::maybe(
            "savings_percent",
            Integer,
            "how much less they cost than on demand; below zero: how much more",
        ),
        Column::known("observed_at", Moment, "when it was seen"),
        Column::known("change", Text, "new, changed or withdrawn"),
        SOURCE,
    ],
    order: &["instance_type", "region_id", "operating_system", "observed_at"],
    partitions: Partitions::Day,
    sought: &["instance_type"],
};

const RATE_COLUMNS: [Column; 23] = [
    PROVIDER,
    Column::known("service_name", Text, "the service, as the cloud names it"),
    Column::maybe("region_id", Text, "the region, as the cloud writes it; none for what has no place"),
    Column::known("sku_id", Text, "what is sold"),
    Column::known("sku_price_id", Text, "the rate: unlike for each price, term and tier of what is sold"),
    Column::maybe("instance_type", Text, "the machine, for what is one"),
    Column::maybe("operating_system", Text, "the operating system, for machines"),
    Column::maybe("tenancy", Text, "Shared, Dedicated or Host, for machines"),
    Column::maybe("pre_installed_software", Text, "software that the price includes, such as a database"),
    Column::maybe("product_family", Text, "what kind of thing it is, as the cloud writes it"),
    Column::maybe("meter", Text, "what is metered, as bills name it"),
    Column::known(
        "pricing_category",
        Text,
        "Standard, Committed (for a term) or Dynamic (spot, low priority)",
    ),
    Column::maybe("term_years", Integer, "the years of a commitment"),
    Column::maybe("payment_option", Text, "No Upfront, Partial Upfront or All Upfront"),
    Column::maybe(
        "offering_class",
        Text,
        "on what terms: standard, convertible, reservation, savings plan or dev/test",
    ),
    Column::maybe("pricing_unit", Text, "the unit that the price is for, as the cloud writes it"),
    Column::known("currency", Text, "the currency of the prices"),
    Column::maybe("list_unit_price", Price, "the price of a unit"),
    Column::maybe("upfront_price", Price, "what is due once for the whole term"),
    Column::maybe("tier_start", Quantity, "from how many units on the price applies"),
    Column::maybe("tier_end", Quantity, "up to how many units it applies; none without an end"),
    Column::maybe("effective_from", Moment, "since when it applies, as the cloud says"),
    Column::maybe("effective_to", Moment, "until when it applies; none while that is open"),
];

const fn rates<const COLUMNS: usize>(others: &[Column]) -> [Column; COLUMNS] {
    let mut columns = [SOURCE; COLUMNS];
    let mut index = 0;
    while index < RATE_COLUMNS.len() {
        columns[index] = RATE_COLUMNS[index];
        index += 1;
    }
    while index < COLUMNS {
        columns[index] = others[index - RATE_COLUMNS.len()];
        index += 1;
    }
    columns
}

const RATE_ORDER: &[&str] = &[
    "service_name",
    "instance_type",
    "region_id",
    "sku_id",
    "sku_price_id",
    "currency",
    "effective_from",
    "observed_at",
];

/// One row for each change of a rate.
pub static LIST_PRICES: Table = Table {
    name: "list_prices",
    description: "every change of a list price",
    columns: &rates::<26>(&[
        Column::known("observed_at", Moment, "when the change was seen"),
        Column::known("change", Text, "new, changed or withdrawn"),
        SOURCE,
    ]),
    order: RATE_ORDER,
    partitions: Partitions::ProviderDay,
    sought: &["instance_type"],
};

/// The newest state of each rate.
pub static LIST_PRICES_CURRENT: Table = Table {
    name: "list_prices_current",
    description: "the newest state of each list price",
    columns: &rates::<25>(&[
        Column::known("observed_at", Moment, "when the newest list that has it was fetched"),
        SOURCE,
    ]),
    order: RATE_ORDER,
    partitions: Partitions::ProviderService,
    sought: &["instance_type"],
};

/// What the lake knows, and what it does not.
pub static COVERAGE: Table = Table {
    name: "coverage",
    description: "what the lake knows of each stream, and what it does not",
    columns: &[
        Column::known("dataset", Text, "the dataset"),
        Column::known("stream", Text, "the series of the dataset, as its keys write it"),
        Column::known("from_time", Moment, "the beginning of the stretch"),
        Column::known("to_time", Moment, "its end, which is not part of it"),
        Column::known("state", Text, "known, unchanged, lost, missing or refused"),
    ],
    order: &["dataset", "stream", "from_time"],
    partitions: Partitions::Day,
    sought: &[],
};

/// The run log.
pub static CRAWL_RUNS: Table = Table {
    name: "crawl_runs",
    description: "every attempt of every run, and what came of it",
    columns: &[
        Column::known("run", Text, "the run"),
        Column::known("dataset", Text, "the dataset"),
        Column::maybe("stream", Text, "the series of the dataset"),
        Column::maybe("slice", Text, "the piece that was to be fetched"),
        Column::known("outcome", Text, "what came of it"),
        Column::maybe("key", Text, "the key of its object"),
        Column::maybe("rows", Integer, "rows of the payload"),
        Column::maybe("raw_bytes", Integer, "bytes of the payload"),
        Column::maybe("stored_bytes", Integer, "bytes of the object"),
        Column::maybe("sha256", Text, "sha256 of the payload"),
        Column::known("pages", Integer, "pages that were read"),
        Column::known("requests", Integer, "requests that were made"),
        Column::known("retries", Integer, "requests that were made again"),
        Column::known("warnings", Integer, "oddities of the payload"),
        Column::maybe("sentinels", Text, "habits of the upstream that changed, parted by commas"),
        Column::maybe("differs", Boolean, "whether the object that stood already is another one"),
        Column::maybe("url", Text, "where it was fetched"),
        Column::maybe("etag", Text, "the entity tag of the upstream"),
        Column::known("started", Moment, "when the attempt began"),
        Column::known("finished", Moment, "when it was over"),
        Column::maybe("error_kind", Text, "what kind of error it was"),
        Column::maybe("error", Text, "the error in one line"),
        SOURCE,
    ],
    order: &["started", "run", "dataset", "stream", "slice"],
    partitions: Partitions::Day,
    sought: &[],
};
