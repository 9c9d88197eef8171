//! What the tests share.

pub(crate) mod servers;
pub(crate) mod tamper;

/// Says why a test did not run.
#[expect(clippy::print_stdout, reason = "the harness of cargo shows what a test prints")]
pub(crate) fn skipped(why: &str) {
    println!("SKIPPED: {why}");
}
