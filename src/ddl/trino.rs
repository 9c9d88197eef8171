//! Trino, with its Hive connector and a metastore (Hive's or Glue). It honours partition projection as Athena does, with
//! properties of its own; tables that Athena made in Glue can be read as they are, but for `list_prices_current`,
//! because Trino reads no folders below a partition unless `hive.recursive-directories` is set. So services are
//! partitions here, of which Trino is told.

use super::lake::{DdlError, Lake, Place, Standing};
use super::text::{Dialect, digits, folders, lines, partition_comment, quoted, remark, standard_string};
use super::{Engine, athena};
use crate::tables::Partitions;
use crate::tables::schema::Kind;

pub(super) static DIALECT: Dialect = Dialect { quote: '"', days_ago: athena::DIALECT.days_ago };

pub(super) fn statements(lake: &Lake) -> Result<String, DdlError> {
    let Place::Bucket { region, endpoint, path_style, .. } = &lake.place else {
        return Err(DdlError::NeedsBucket(Engine::Trino));
    };
    let mut told = vec![
        format!("The tables of {} for Trino,", lake.place.folder("s3", "tables")),
        "in a catalog of its Hive connector (trino --catalog hive), whose properties have".to_owned(),
        "hive.partition-projection-enabled=true".to_owned(),
        "fs.native-s3.enabled=true".to_owned(),
    ];
    told.extend(region.as_ref().map(|region| format!("s3.region={region}")));
    told.extend(endpoint.as_ref().map(|url| format!("s3.endpoint={}", url.as_str())));
    told.extend(path_style.then(|| "s3.path-style-access=true".to_owned()));
    told.push(
        "To describe a table anew, drop it first: DROP TABLE removes the description and no data.".to_owned(),
    );
    let schema = format!("\nCREATE SCHEMA IF NOT EXISTS {};\n", quoted(lake.database.as_str(), '"'));
    let tables = lake.tables.iter().map(|standing| table(lake, standing));
    Ok([remark(&told.join("\n")), schema].into_iter().chain(tables).collect())
}

fn table(lake: &Lake, standing: &Standing) -> String {
    let table = standing.table;
    let is_projected = table.partitions != Partitions::ProviderService;
    let mut columns = lines(table.columns.iter(), |column| {
        let comment = standard_string(column.description);
        format!("{} {} COMMENT {comment}", quoted(column.name, '"'), kind(column.kind))
    });
    columns.extend(table.partitions.columns().iter().map(|name| {
        let projection = if is_projected { projection(name, standing) } else { String::new() };
        format!(
            "  {} varchar COMMENT {}{projection}",
            quoted(name, '"'),
            standard_string(partition_comment(name))
        )
    }));
    let folder = lake.place.folder("s3", &format!("tables/{}", table.name));
    let mut properties = vec![
        "format = 'PARQUET'".to_owned(),
        format!("external_location = {}", standard_string(&folder)),
        format!("partitioned_by = {}", array(table.partitions.columns())),
    ];
    if is_projected {
        let template = folders(table.partitions.columns(), |name| format!("${{{name}}}"));
        properties.push("partition_projection_enabled = true".to_owned());
        properties.push(format!(
            "partition_projection_location_template = {}",
            standard_string(&format!("{folder}{template}"))
        ));
    }
    let sync = if is_projected {
        String::new()
    } else {
        format!(
            "\n-- Again whenever a service is new:\nCALL system.sync_partition_metadata({}, {}, 'FULL');\n",
            standard_string(lake.database.as_str()),
            standard_string(table.name)
        )
    };
    format!(
        "\nCREATE TABLE IF NOT EXISTS {}.{} (\n{}\n)\nCOMMENT {}\nWITH (\n  {}\n);\n{sync}",
        quoted(lake.database.as_str(), '"'),
        quoted(table.name, '"'),
        columns.join(",\n"),
        standard_string(table.description),
        properties.join(",\n  "),
    )
}

/// How the values of a partition column are made up. Trino makes up dates by days and shorter steps only.
fn projection(partition: &str, standing: &Standing) -> String {
    let properties = if partition == "dt" {
        format!(
            "partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', \
             partition_projection_range = {}, partition_projection_interval = 1, \
             partition_projection_interval_unit = 'DAYS'",
            array(&[standing.first_day.to_string().as_str(), "NOW"])
        )
    } else {
        let providers: Vec<&str> = standing.providers.iter().map(String::as_str).collect();
        format!("partition_projection_type = 'ENUM', partition_projection_values = {}", array(&providers))
    };
    format!(" WITH ({properties})")
}

fn array(values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| standard_string(value)).collect();
    format!("ARRAY[{}]", values.join(", "))
}

/// Times are to the millisecond unless a session asks for more, and a column of another precision is refused then.
fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "varchar".to_owned(),
        Kind::Price | Kind::Quantity => format!("decimal{}", digits(kind)),
        Kind::Moment => "timestamp(3)".to_owned(),
        Kind::Integer => "bigint".to_owned(),
        Kind::Boolean => "boolean".to_owned(),
    }
}
