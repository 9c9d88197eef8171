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
    printable(&text)
}

/// Text of whatever origin, fit for one line of a terminal: whitespace becomes single spaces, and what could move
/// the cursor, colour, hide or reorder what people read becomes a replacement character.
pub fn printable(text: &str) -> String {
    let plain = |c: char| {
        let reorders =
            matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || reorders { char::REPLACEMENT_CHARACTER } else { c }
    };
    let words = text.split_whitespace().map(|word| word.chars().map(plain).collect::<String>());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read\nthe page")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn nothing_that_is_printed_can_talk_to_the_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}31m \r\n\tb\u{7}\u{202e}c é";
        assert_eq!(printable(hostile), "a\u{fffd}[2J\u{fffd}31m b\u{fffd}\u{fffd}c é");
    }

    #[test]
    fn causes_are_joined_on_one_line() {
        let error = Outer(std::io::Error::other("connection reset"));
        assert_eq!(one_line(&error), "failed to read the page: connection reset");
    }
}
