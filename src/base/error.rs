//! How errors are told to people: one line that says what failed, and a hint that says what to do.

use std::error::Error;

/// An error that knows what its reader should do next.
pub trait Hinted: Error {
    /// One sentence, imperative, without a full stop: what mends it.
    fn hint(&self) -> Option<&str>;
}

/// The error and its causes on one line, outermost first, joined by `: `.
///
/// A cause that its parent already spells out is not said twice, and line breaks become spaces, so that the
/// text fits a log line and a run-log field.
pub fn one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !part.is_empty() && !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read\nthe page")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_joined_on_one_line() {
        let error = Outer(std::io::Error::other("connection reset"));
        assert_eq!(one_line(&error), "failed to read the page: connection reset");
    }
}
