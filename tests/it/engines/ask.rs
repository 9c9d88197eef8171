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

/// A directory of the project.
pub(super) fn directory(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
