//! What must hold of every configuration file, whatever is in it. For the fuzzer and the replay of its corpus.

use super::{Inputs, file, load_text};

/// Feeds a configuration file.
///
/// # Panics
///
/// When a file is neither taken nor refused in sentences that can be shown.
pub fn file(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let inputs = Inputs { directory: "/nonexistent".into(), ..Inputs::default() };
    let problems = match load_text(&inputs, Some((&file::Found::named("contrail.toml"), text))) {
        Ok(loaded) => {
            for entry in &loaded.entries {
                assert!(loaded.origin(&entry.path()).is_some(), "{} has an origin", entry.path());
            }
            loaded.warnings
        }
        Err(error) => error.problems,
    };
    for problem in problems {
        let told = problem.to_string();
        assert!(!told.is_empty() && !told.contains(|c: char| c.is_control()), "{told:?} cannot be shown");
    }
}
