//! The command line as it was typed, for commands that say what to type next.

use std::ffi::OsString;

/// The program and its arguments.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    program: String,
    arguments: Vec<String>,
}

impl Typed {
    /// The words as the system handed them over; what is no text is shown as nearly as can be.
    pub(super) fn new(words: &[OsString]) -> Self {
        let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
        let program = words.next().unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
        Self { program, arguments: words.collect() }
    }

    /// How the program was called, ready to paste.
    pub(super) fn program(&self) -> String {
        quoted(&self.program)
    }

    /// Another command about the same lake, ready to paste.
    pub(super) fn other(&self, command: &str) -> String {
        let mut line = format!("{} {command}", self.program());
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            let (name, value) =
                word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            if ["--lake", "--config"].contains(&name)
                && let Some(value) = value.or_else(|| words.next().map(String::as_str))
            {
                line.extend([" ", name, " ", &quoted(value)]);
            }
        }
        line
    }

    /// The same line without `flags` and without `options` and their values, ready to paste.
    pub(super) fn without(&self, flags: &[&str], options: &[&str]) -> String {
        let mut line = self.program();
        let mut words = self.arguments.iter();
        while let Some(word) = words.next() {
            let (name, value) =
                word.split_once('=').map_or((word.as_str(), None), |(name, _)| (name, Some(())));
            if options.contains(&name) {
                if value.is_none() {
                    words.next();
                }
            } else if !flags.contains(&name) {
                line.push(' ');
                line.push_str(&quoted(word));
            }
        }
        line
    }
}

/// Whether no shell and no SQL text gives a character of `word` a meaning of its own.
pub(super) fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    !word.is_empty() && word.chars().all(plain)
}

/// `word` as a POSIX shell takes it for one word.
pub(super) fn quoted(word: &str) -> String {
    if is_plain(word) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_told_without_what_is_left_out() {
        let line =
            "target/debug/contrail crawler --once --seed 7 --max-duration 5m --lake=./my --max-duration=1h";
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let told = Typed::new(&words).without(&["--once"], &["--max-duration"]);
        assert_eq!(told, "target/debug/contrail crawler --seed 7 --lake=./my");
    }

    #[test]
    fn another_command_is_about_the_same_lake() {
        let words = ["contrail", "--config=c.toml", "crawler", "--once", "--lake", "my lake", "--only", "x"];
        let told = Typed::new(&words.map(OsString::from)).other("status");
        assert_eq!(told, "contrail status --config c.toml --lake 'my lake'");
    }

    #[test]
    fn words_that_a_shell_would_read_otherwise_are_quoted() {
        assert_eq!(quoted("./contrail-lake"), "./contrail-lake");
        assert_eq!(quoted("my lake"), "'my lake'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
