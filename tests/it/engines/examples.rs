//! `examples/`: the SQL for Athena, run by Spark with a metastore of Hive, and the Spark job, run in local mode, answer
//! the same four questions, and `contrail query` takes the SQL as it is. So the answers, which share no line, must be the
//! same.

use serde::Deserialize;

use super::ask::{self, Rows};
use super::lakes;
use super::questions::Questions;
use super::{athena_for_hive, spark};
use crate::support::servers::installed;

/// What the job prints about a question.
#[derive(Deserialize)]
struct Printed {
    question: String,
    rows: Rows,
}

/// Decimals without the zeros at their end.
fn trimmed(rows: Rows) -> Rows {
    let trim = |value: String| {
        let is_decimal = value.contains('.') && value.chars().all(|c| c.is_ascii_digit() || ".-".contains(c));
        if is_decimal { value.trim_end_matches('0').trim_end_matches('.').to_owned() } else { value }
    };
    rows.into_iter().map(|row| row.into_iter().map(|value| value.map(trim)).collect()).collect()
}

/// The statements of a file, in order.
#[cfg(feature = "sql")]
fn statements(sql: &str) -> Questions {
    let lines = sql.lines().filter(|line| !line.starts_with("--"));
    let sql = lines.flat_map(|line| [line, "\n"]).collect::<String>();
    let statements = sql.split(';').map(str::trim).filter(|statement| !statement.is_empty());
    statements.enumerate().map(|(number, statement)| (number.to_string(), statement.to_owned())).collect()
}

fn run_job(lake: &std::path::Path) -> Vec<Printed> {
    let options = "--master local[2] --conf spark.ui.enabled=false --conf spark.driver.bindAddress=127.0.0.1 \
                   --conf spark.driver.host=127.0.0.1 pyspark-shell";
    let scratch = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(installed("venv/bin/python").unwrap())
        .arg(ask::directory("examples/spark_prices.py"))
        .arg("--lake")
        .arg(lake)
        .args(["--json", "m5.large", "c5.large"])
        .current_dir(scratch.path())
        .env("PYSPARK_SUBMIT_ARGS", options)
        .env("SPARK_LOCAL_IP", "127.0.0.1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_sql_for_athena_and_the_spark_job_give_the_same_answers_about_a_directory() {
    let Some(engine) = spark(&["hive"]) else { return };
    let stage = lakes::all().await.iter().find(|stage| stage.has_examples).unwrap();
    let sql = std::fs::read_to_string(ask::directory("examples/athena_prices.sql")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let told = format!("{}\n{sql}", athena_for_hive(stage, directory.path()));
    let found = engine.ask(&told, &Questions::new(), &serde_json::Value::Null).examples;
    let job = run_job(&stage.path);
    // Before them stand the two examples of the statements.
    assert_eq!((found.len(), job.len()), (6, 4));
    #[cfg(feature = "sql")]
    {
        let ours = ask::ask_contrail(&stage.path, &statements(&sql));
        assert_eq!(ours.len(), 4);
        for ((question, rows), expected) in ours.into_iter().zip(found.iter().skip(2)) {
            assert_eq!(trimmed(rows), trimmed(expected.clone()), "question {question}");
        }
    }
    for (printed, rows) in job.into_iter().zip(found.into_iter().skip(2)) {
        let question = printed.question;
        assert!(!rows.is_empty(), "{question} finds nothing");
        assert_eq!(trimmed(printed.rows), trimmed(rows), "{question}");
    }
}
