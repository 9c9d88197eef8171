//! Engines, each as a Python program that is handed statements and questions and prints what came of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use super::questions::Questions;
use crate::support::servers::installed;
use crate::support::skip::skipped;

/// Rows of an answer; each value as every engine would write it.
pub(super) type Rows = Vec<Vec<Option<String>>>;

/// What came of it.
#[derive(Debug)]
pub(super) struct Answered {
    /// The rows of each query among the statements.
    pub(super) examples: Vec<Rows>,
    /// The rows of each question, by its name.
    pub(super) answers: BTreeMap<String, Rows>,
}

#[derive(Deserialize)]
struct Printed {
    examples: Vec<Rows>,
    answers: Vec<Rows>,
}

/// A program of `tests/engines/` and the Python that has its engine.
pub(super) struct Engine {
    command: Command,
    script: &'static str,
}

impl Engine {
    /// `None`, and SKIPPED, where `tests/servers.sh` has not installed what `stamp` says.
    pub(super) fn new(
        script: &'static str,
        environment: &str,
        stamp: &str,
        arguments: &[&str],
    ) -> Option<Self> {
        let (Some(python), Some(_)) = (installed(&format!("{environment}/bin/python")), installed(stamp))
        else {
            skipped(&format!("{script} has no Python with its engine; tests/servers.sh installs it"));
            return None;
        };
        let mut command = Command::new(python);
        command.arg(directory("tests/engines").join(script)).args(arguments);
        Some(Self { command, script })
    }

    /// With one more variable in its environment.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Hands it statements, questions and whatever else it needs.
    pub(super) fn ask(mut self, ddl: &str, questions: &Questions, more: &Value) -> Answered {
        let mut task = json!({ "ddl": ddl, "questions": questions.values().collect::<Vec<_>>() });
        for (name, value) in more.as_object().into_iter().flatten() {
            task[name] = value.clone();
        }
        let scratch = tempfile::tempdir().unwrap();
        task["scratch"] = json!(scratch.path());
        self.command.current_dir(scratch.path()).env("SPARK_LOCAL_IP", "127.0.0.1");
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        // The program reads all of it before it says anything.
        child.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} ended with {}:\n{said}\n{ddl}", self.script, output.status);
        let printed: Printed = serde_json::from_slice(&output.stdout).unwrap();
        let answers = questions.keys().cloned().zip(printed.answers).collect();
        Answered { examples: printed.examples, answers }
    }
}

/// `contrail query` of a lake in a directory.
#[cfg(feature = "sql")]
pub(super) fn ask_contrail(lake: &Path, questions: &Questions) -> BTreeMap<String, Rows> {
    let home = crate::support::program::Home::new();
    let answer = |(question, sql): (&String, &String)| {
        let lake = lake.to_str().unwrap();
        let printed = home.run(&["query", sql, "--lake", lake, "--format", "json"]).with(0).stdout;
        let rows = printed.lines().map(|line| serde_json::from_str::<Row>(line).unwrap().0).collect();
        (question.clone(), rows)
    };
    questions.iter().map(answer).collect()
}

/// The values of an object in their order, as every engine would write them.
#[cfg(feature = "sql")]
struct Row(Vec<Option<String>>);

#[cfg(feature = "sql")]
impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> serde::de::Visitor<'de> for Values {
            type Value = Row;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a row")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut values = Vec::new();
                while let Some((_, value)) = map.next_entry::<String, Value>()? {
                    values.push(written(&value));
                }
                Ok(Row(values))
            }
        }
        deserializer.deserialize_map(Values)
    }
}

#[cfg(feature = "sql")]
fn written(value: &Value) -> Option<String> {
    let Value::String(text) = value else { return (!value.is_null()).then(|| value.to_string()) };
    let moment = text.ends_with('Z').then(|| text.parse::<contrail::base::Time>().ok()).flatten();
    Some(moment.map_or_else(|| text.clone(), |at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
}

/// A directory of the project.
pub(super) fn directory(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
