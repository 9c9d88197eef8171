//! Tests that need what is not here.

use std::io::Write as _;

/// Says that a test has nothing to do, and why. Past the test harness, which shows only what failing tests print:
/// a skipped test must not look like one that passed.
pub(crate) fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").unwrap();
}
