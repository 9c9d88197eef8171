//! A place in the text of a query, and how it is shown: the line, and a mark below it. Pure.

use std::iter::repeat_n;

/// How many characters of a line are shown before and after the place.
const AROUND: usize = 50;

/// A stretch of one line of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// How many characters of the line are meant; at least one is marked.
    pub length: usize,
    text: String,
}

impl Place {
    /// The place in `sql`; `None` when it has no such line.
    pub fn new(sql: &str, line: usize, column: usize, length: usize) -> Option<Self> {
        let text = sql.lines().nth(line.checked_sub(1)?)?;
        // The end of a query may be meant, just behind its last character.
        let column = column.clamp(1, text.chars().count() + 1);
        Some(Self { line, column, length, text: text.to_owned() })
    }

    /// Where `word` stands first as a word of its own, whatever its case.
    pub fn of(sql: &str, word: &str) -> Option<Self> {
        let wanted: Vec<char> = word.to_lowercase().chars().collect();
        let is_part = |character: Option<&char>| {
            character.is_some_and(|character| character.is_alphanumeric() || *character == '_')
        };
        sql.lines().enumerate().find_map(|(line, text)| {
            let characters: Vec<char> = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
            let found = characters.windows(wanted.len().max(1)).enumerate().find(|(at, window)| {
                let before = at.checked_sub(1).and_then(|before| characters.get(before));
                *window == wanted.as_slice()
                    && !is_part(before)
                    && !is_part(characters.get(at + wanted.len()))
            });
            found.and_then(|(at, _)| Self::new(sql, line + 1, at + 1, wanted.len()))
        })
    }

    /// From the same place on, but so many characters.
    pub(super) fn with_length(self, length: usize) -> Self {
        Self { length, ..self }
    }

    /// The line and the mark below it, indented.
    pub(super) fn excerpt(&self) -> String {
        let at = self.column - 1;
        let start = at.saturating_sub(AROUND);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String =
            self.text.chars().skip(start).take(at - start + AROUND.max(self.length)).map(plain).collect();
        let left = if start > 0 { "…" } else { "" };
        let right = if start + shown.chars().count() < self.text.chars().count() { "…" } else { "" };
        let indent: String = repeat_n(' ', at - start + left.chars().count()).collect();
        let mark: String = repeat_n('^', self.length.max(1)).collect();
        format!("  {left}{shown}{right}\n  {indent}{mark}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_mark_stands_below_what_is_meant() {
        let place = Place::new("SELECT 1,\n\tnone FROM spot_prices", 2, 2, 4).unwrap();
        assert_eq!(place.excerpt(), "   none FROM spot_prices\n   ^^^^");
        assert_eq!(place.to_string().lines().next(), Some(", at line 2, column 2"));
        assert_eq!(Place::new("SELECT 1", 2, 1, 1), None);
        let end = Place::new("SELECT", 1, 99, 0).unwrap();
        assert_eq!(end.excerpt(), "  SELECT\n        ^");
    }

    #[test]
    fn of_a_long_line_the_place_is_shown() {
        let long = format!("SELECT {}, none FROM {}", "a, ".repeat(100), "b, ".repeat(100));
        let excerpt = Place::of(&long, "none").unwrap().excerpt();
        let [line, mark] = excerpt.lines().collect::<Vec<_>>()[..] else { panic!("{excerpt}") };
        assert!(line.chars().count() < 120 && line.starts_with("  …") && line.ends_with('…'), "{line}");
        let at = mark.chars().position(|c| c == '^').unwrap();
        assert_eq!(line.chars().skip(at).take(4).collect::<String>(), "none");
    }

    #[test]
    fn a_word_is_found_as_a_word() {
        let place = Place::of("SELECT dt, mydt_\nFROM t WHERE Region = 'dt'", "region").unwrap();
        assert_eq!((place.line, place.column, place.length), (2, 14, 6));
        assert_eq!(Place::of("SELECT regions", "region"), None);
        assert_eq!(Place::of("", "x"), None);
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,200}", line in 0_usize..4, column in 0_usize..300, length in 0_usize..300, word in "\\PC{0,5}") {
            if let Some(place) = Place::new(&text, line, column, length) {
                place.excerpt();
            }
            let _ = Place::of(&text, &word);
        }
    }
}
