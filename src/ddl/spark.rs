//! Spark SQL: tables over the files, whose partitions Spark writes down once and is told of again after each build.
//! Works with and without a Hive metastore.

use super::lake::{Lake, Place, Standing};
use super::text::{Dialect, backslash_string, digits, lines, partition_comment, quoted, remark};
use crate::tables::schema::Kind;

pub(super) static DIALECT: Dialect =
    Dialect { quote: '`', days_ago: |days| format!("date_sub(current_date(), {days})") };

pub(super) fn statements(lake: &Lake) -> String {
    let database = quoted(lake.database.as_str(), '`');
    let database = format!("\nSET TIME ZONE 'UTC';\n\nCREATE DATABASE IF NOT EXISTS {database};\n");
    let tables = lake.tables.iter().map(|standing| table(lake, standing));
    [remark(&told(&lake.place)), database].into_iter().chain(tables).collect()
}

fn told(place: &Place) -> String {
    let mut told = vec![
        format!("The tables of {} for Spark SQL.", place.folder("s3a", "tables")),
        "Spark learns of new days by MSCK REPAIR TABLE: run these statements again after a build.".to_owned(),
        "To describe a table anew, drop it first: DROP TABLE removes the description and no data.".to_owned(),
    ];
    if let Place::Bucket { region, endpoint, path_style, .. } = place {
        told.push(
            "It needs org.apache.hadoop:hadoop-aws in the version of its Hadoop (--packages), and".to_owned(),
        );
        told.extend(
            region.as_ref().map(|region| format!("--conf spark.hadoop.fs.s3a.endpoint.region={region}")),
        );
        told.extend(
            endpoint.as_ref().map(|url| format!("--conf spark.hadoop.fs.s3a.endpoint={}", url.as_str())),
        );
        told.extend(path_style.then(|| "--conf spark.hadoop.fs.s3a.path.style.access=true".to_owned()));
        told.push("On EMR and Glue it needs nothing; write s3:// for s3a:// there.".to_owned());
    }
    told.join("\n")
}

fn table(lake: &Lake, standing: &Standing) -> String {
    let table = standing.table;
    let mut columns = lines(table.columns.iter(), |column| {
        let comment = backslash_string(column.description);
        format!("{} {} COMMENT {comment}", quoted(column.name, '`'), kind(column.kind))
    });
    let partitions = table.partitions.columns();
    columns.extend(partitions.iter().map(|name| {
        let kind = if *name == "dt" { "DATE" } else { "STRING" };
        format!("  {} {kind} COMMENT {}", quoted(name, '`'), backslash_string(partition_comment(name)))
    }));
    let mut folder = lake.place.folder("s3a", &format!("tables/{}", table.name));
    if let Place::Directory(_) = lake.place {
        // Without a scheme a path is one of the cluster's own file system.
        folder.insert_str(0, "file:");
    }
    let partitions: Vec<String> = partitions.iter().map(|name| quoted(name, '`')).collect();
    let name = format!("{}.{}", quoted(lake.database.as_str(), '`'), quoted(table.name, '`'));
    let repair = if standing.is_built {
        format!("\nMSCK REPAIR TABLE {name};\n")
    } else {
        // It fails where there is no folder.
        format!("\n-- {} has no objects yet. Once it has: MSCK REPAIR TABLE {name}\n", table.name)
    };
    format!(
        "\nCREATE TABLE IF NOT EXISTS {name} (\n{}\n)\nUSING PARQUET\nPARTITIONED BY ({})\nLOCATION {}\nCOMMENT {};\n{repair}",
        columns.join(",\n"),
        partitions.join(", "),
        backslash_string(&folder),
        backslash_string(table.description),
    )
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "STRING".to_owned(),
        Kind::Price | Kind::Quantity => format!("DECIMAL{}", digits(kind)),
        Kind::Moment => "TIMESTAMP".to_owned(),
        Kind::Integer => "BIGINT".to_owned(),
        Kind::Boolean => "BOOLEAN".to_owned(),
    }
}
