//! `contrail doctor` from end to end: the built binary looks at servers that are each wrong in one way.

mod clouds;
mod lakes;
mod settings;

use serde::Deserialize;

use crate::support::program::{Ended, Home};

/// What no line may ever show.
const SECRET: &str = "pl4nted-s3cret";

/// Settings with which nothing is crawled.
const NOTHING: &str = "[sources.aws_spot_prices]\nenabled = false\n[sources.aws_price_list]\nenabled = false\n\
                        [sources.aws_savings_plans]\nenabled = false\n\
                        [sources.aws_spot_advisor]\nenabled = false\n[sources.azure_retail_prices]\nenabled = false\n";

/// One line of the answer.
#[derive(Debug, Deserialize)]
struct Line {
    subject: String,
    name: String,
    verdict: String,
    found: String,
    hint: Option<String>,
}

/// All lines of an answer.
#[derive(Debug)]
struct Diagnosis(Vec<Line>);

impl Diagnosis {
    #[track_caller]
    fn line(&self, subject: &str, name: &str) -> &Line {
        let mut lines = self.0.iter().filter(|line| line.subject == subject && line.name == name);
        lines.next().unwrap_or_else(|| panic!("nothing is said of {subject} {name}: {self:#?}"))
    }

    #[track_caller]
    fn is(&self, subject: &str, name: &str, verdict: &str) -> &Line {
        let line = self.line(subject, name);
        assert_eq!(line.verdict, verdict, "{line:#?}");
        line
    }

    /// It failed, and the hint says what mends it.
    #[track_caller]
    fn fails(&self, subject: &str, name: &str, hint: &str) -> &Line {
        let line = self.is(subject, name, "failed");
        let told = line.hint.as_deref().unwrap_or_default();
        assert!(told.contains(hint), "{line:#?} does not say {hint:?}");
        line
    }
}

/// A home that crawls nothing, with a lake in a directory, and `more` settings.
fn home(more: &str) -> Home {
    Home::new().configured(&format!("{NOTHING}{more}"))
}

/// Credentials that every server of the tests accepts, but for those that accept none.
fn with_credentials(home: Home) -> Home {
    home.with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", SECRET)
        .with("AWS_REGION", "us-east-1")
}

fn run(home: &Home, more: &[&str]) -> Ended {
    let ended = tokio::task::block_in_place(|| home.run(&[&["doctor"], more].concat()));
    assert!(!ended.stdout.contains(SECRET) && !ended.stderr.contains(SECRET), "{ended:?}");
    ended
}

/// What is said when the command ends in `code`.
#[track_caller]
fn diagnosis(home: &Home, code: i32) -> Diagnosis {
    let ended = run(home, &["--format", "json"]).with(code);
    let lines: Vec<Line> = serde_json::from_str(&ended.stdout).unwrap();
    assert!(lines.iter().all(|line| line.verdict != "failed" || line.hint.is_some()), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.found.contains('\n')), "{lines:#?}");
    Diagnosis(lines)
}

/// The statement in a hint, as a policy takes it.
fn statement(line: &Line) -> serde_json::Value {
    let hint = line.hint.as_deref().unwrap();
    let (start, end) = (hint.find('{').unwrap(), hint.rfind('}').unwrap());
    serde_json::from_str(hint.get(start..=end).unwrap()).unwrap()
}
