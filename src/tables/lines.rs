//! The lines of an NDJSON payload, one after the other, with their numbers. One line is held at a time, and only as far
//! as a row can be long.

use std::io::{self, BufRead};

/// No row is near this long.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Cuts a payload into lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
}

/// A line, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Its number; the first one is 1.
    pub(super) number: u64,
    /// What it says, or why that is no text.
    pub(super) text: Result<&'a str, &'static str>,
    /// Whether it ends as lines do. The last line of a payload that was cut does not.
    pub(super) is_whole: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `source`.
    pub(super) fn of(source: R) -> Self {
        Self { source, line: Vec::new(), number: 0 }
    }

    /// The next line, and nothing after the last one.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut bytes, mut is_whole) = (0_usize, false);
        while !is_whole {
            let piece = self.source.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', piece);
            let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            bytes = bytes.saturating_add(part.len());
            if bytes <= MAX_LINE_BYTES {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.source.consume(used);
            is_whole = end.is_some();
        }
        if bytes == 0 && !is_whole {
            return Ok(None);
        }
        self.number += 1;
        let text = if bytes > MAX_LINE_BYTES {
            Err("is too long for a row")
        } else {
            std::str::from_utf8(&self.line).map_err(|_| "is no UTF-8")
        };
        Ok(Some(Line { number: self.number, text, is_whole }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(payload: &[u8], capacity: usize) -> Vec<String> {
        let mut lines = Lines::of(io::BufReader::with_capacity(capacity, payload));
        let mut told = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let end = if line.is_whole { "" } else { " …" };
            told.push(format!("{} {}{end}", line.number, line.text.unwrap_or_else(|why| why)));
        }
        told
    }

    #[test]
    fn lines_are_what_stands_between_breaks_whatever_the_pieces() {
        for capacity in [1, 3, 1 << 10] {
            assert_eq!(told(b"one\n\nthree\n", capacity), ["1 one", "2 ", "3 three"]);
            assert_eq!(told(b"one\ntw", capacity), ["1 one", "2 tw …"]);
            assert_eq!(told(b"", capacity), [""; 0]);
            assert_eq!(told(b"\xff\nnext\n", capacity), ["1 is no UTF-8", "2 next"]);
        }
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let mut payload = vec![b'x'; 3 << 20];
        payload.extend_from_slice(b"\nnext\n");
        assert_eq!(told(&payload, 1 << 16), ["1 is too long for a row", "2 next"]);
        let mut lines = Lines::of(payload.as_slice());
        lines.next().unwrap();
        assert!(lines.line.capacity() <= 2 * MAX_LINE_BYTES);
    }
}
