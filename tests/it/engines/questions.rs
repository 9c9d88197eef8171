//! What engines are asked of every table, in words that they share: how many rows each part has, and of each column how
//! many values, their sum, the least and the greatest. And what stood at a moment.

use std::collections::BTreeMap;

use contrail::base::Time;
use contrail::tables::{Kind, Partitions, TABLES, Table};

/// How an engine writes what is not the same everywhere.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// What stands before the name of a table.
    pub(super) database: &'static str,
    /// A moment in UTC, given as `2026-11-28 12:00:00`.
    pub(super) moment: fn(&str) -> String,
    /// Whether a service is a partition.
    pub(super) has_services: bool,
}

pub(super) const DUCKDB: Dialect =
    Dialect { database: "contrail.", moment: |at| format!("TIMESTAMPTZ '{at}+00'"), has_services: true };
pub(super) const SPARK: Dialect = Dialect { moment: |at| format!("TIMESTAMP '{at}'"), ..DUCKDB };
pub(super) const ATHENA: Dialect = Dialect { has_services: false, ..SPARK };
pub(super) const CLICKHOUSE: Dialect =
    Dialect { moment: |at| format!("toDateTime64('{at}', 6, 'UTC')"), ..DUCKDB };
#[cfg(feature = "sql")]
pub(super) const CONTRAIL: Dialect =
    Dialect { database: "", moment: |at| format!("TIMESTAMP '{at}Z'"), has_services: true };
pub(super) const POLARS: Dialect =
    Dialect { database: "", moment: |at| format!("CAST('{at}' AS TIMESTAMP)"), has_services: true };

/// Questions by name.
pub(super) type Questions = BTreeMap<String, String>;

/// Every question about every table; `at` is a moment in the middle of the lake.
pub(super) fn questions(dialect: Dialect, at: Time) -> Questions {
    let mut questions = Questions::new();
    for table in TABLES {
        let name = table.name;
        if dialect.has_services || table.partitions != Partitions::ProviderService {
            let partitions = table.partitions.columns().join(", ");
            let text = format!(
                "SELECT {partitions}, COUNT(*) AS n FROM {}{name} GROUP BY {partitions} ORDER BY {partitions}",
                dialect.database
            );
            questions.insert(format!("{name}: parts"), text);
        }
        questions.insert(format!("{name}: columns"), columns(table, dialect));
    }
    let at = (dialect.moment)(&at.format("%Y-%m-%d %H:%M:%S").to_string());
    questions.insert("spot_prices: what applied at a moment".to_owned(), spot_at(dialect, &at));
    questions.insert("list_prices: what was known at a moment".to_owned(), list_at(dialect, &at));
    questions
}

fn columns(table: &Table, dialect: Dialect) -> String {
    let mut asked = vec!["COUNT(*) AS rows_".to_owned()];
    for column in table.columns {
        let name = column.name;
        let functions: &[&str] = match column.kind {
            Kind::Text => &["COUNT", "COUNT DISTINCT", "MIN", "MAX"],
            Kind::Price | Kind::Quantity | Kind::Integer => &["COUNT", "SUM", "MIN", "MAX"],
            Kind::Moment => &["COUNT", "MIN", "MAX"],
            Kind::Boolean => &["COUNT", "TRUE"],
        };
        asked.extend(functions.iter().enumerate().map(|(number, function)| {
            let asked = match *function {
                "COUNT DISTINCT" => format!("COUNT(DISTINCT {name})"),
                "TRUE" => format!("SUM(CASE WHEN {name} THEN 1 ELSE 0 END)"),
                function => format!("{function}({name})"),
            };
            format!("{asked} AS {name}_{number}")
        }));
    }
    format!("SELECT {} FROM {}{}", asked.join(", "), dialect.database, table.name)
}

/// The last change of each pool, summed for each region.
fn spot_at(dialect: Dialect, at: &str) -> String {
    let pool = ["region_id", "availability_zone_id", "instance_type", "product_description"];
    let table = format!("{}spot_prices", dialect.database);
    let same: Vec<String> = pool.iter().map(|column| format!("p.{column} = n.{column}")).collect();
    format!(
        "SELECT p.region_id AS region_id, COUNT(*) AS pools, SUM(p.unit_price) AS total \
         FROM {table} AS p JOIN (SELECT {pool}, MAX(effective_from) AS newest FROM {table} \
         WHERE effective_from <= {at} GROUP BY {pool}) AS n \
         ON {} AND p.effective_from = n.newest GROUP BY p.region_id ORDER BY p.region_id",
        same.join(" AND "),
        pool = pool.join(", "),
    )
}

/// The last state of each rate that was seen, summed for each cloud and what came of it.
fn list_at(dialect: Dialect, at: &str) -> String {
    let rate = ["provider_name", "sku_price_id", "region_id", "currency"];
    let table = format!("{}list_prices", dialect.database);
    let same: Vec<String> = rate.iter().map(|column| format!("p.{column} = n.{column}")).collect();
    format!(
        "SELECT p.provider_name AS provider_name, p.change AS change, COUNT(*) AS rates, SUM(p.list_unit_price) AS total \
         FROM {table} AS p JOIN (SELECT {rate}, MAX(observed_at) AS newest FROM {table} \
         WHERE observed_at <= {at} GROUP BY {rate}) AS n \
         ON {} AND p.observed_at = n.newest GROUP BY p.provider_name, p.change ORDER BY p.provider_name, p.change",
        same.join(" AND "),
        rate = rate.join(", "),
    )
}
