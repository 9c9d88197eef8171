//! Reading run logs back: one definition, for everybody who reads them, of what a line is, which stream it is about and
//! whether it came to something. A log may be torn or damaged; what can be read of it stands.

use std::io::{self, BufRead, Read as _};

use super::key::{Key, Parsed};
use super::run_log::{Attempt, Outcome};
use super::slice::{Slice, Stream, Version};

/// No line is near this long: what is longer is no log of ours, and is not held in memory.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Hands each line of an unzipped log to `take`, with its number, which begins at 1. Lines that are no attempts are
/// handed out as what is wrong with them. Fails where the log cannot be read on; what was handed out before stands.
pub fn read_attempts(
    mut log: impl BufRead,
    mut take: impl FnMut(u64, Result<Attempt, String>) -> io::Result<()>,
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if log.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {number} is too long")));
        }
        if !line.trim_ascii().is_empty() {
            // To the parser each line is the first.
            let explain =
                |error: serde_json::Error| error.to_string().replace(" at line 1 column", " at column");
            take(number, serde_json::from_slice(&line).map_err(explain))?;
        }
    }
    Ok(())
}

impl Attempt {
    /// The stream that was attempted; `None` when it was the dataset as a whole, or nothing, or by nobody we know.
    pub fn about(&self) -> Option<Stream> {
        let path = self.stream.as_deref().filter(|_| self.outcome != Outcome::Noticed)?;
        // The only stream of its dataset has no parts.
        let parts = path.split('/').filter(|_| !path.is_empty()).map(|part| part.split_once('='));
        Stream::new(&self.dataset, &parts.collect::<Option<Vec<_>>>()?).ok()
    }

    /// The version that could not be fetched: the upstream has published it, and it is missing.
    pub fn failed_version(&self) -> Option<Version> {
        let key = self.key.as_deref().filter(|_| self.outcome.is_failure())?;
        match Key::parse(key) {
            Ok((_, Parsed::Raw(Slice::Version { version, .. }))) => Some(version),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Name;

    fn stream() -> Stream {
        Stream::new("aws_price_list", &[("offer", "AmazonEC2"), ("region", "us-east-1")]).unwrap()
    }

    fn read(log: &[u8]) -> (Vec<(u64, bool)>, io::Result<()>) {
        let mut lines = Vec::new();
        let ended = read_attempts(log, |number, attempt| {
            lines.push((number, attempt.is_ok()));
            Ok(())
        });
        (lines, ended)
    }

    #[test]
    fn every_line_has_its_number_whatever_the_others_are() {
        let at = "2026-11-21T20:10:00Z".parse().unwrap();
        let good = serde_json::to_string(&Attempt::at_stream(&Name::hex(1), &stream(), at)).unwrap();
        let (lines, ended) = read(format!("{good}\nno line of ours\n\n{good}\n{{\"run\":\"3f").as_bytes());
        assert_eq!(lines, [(1, true), (2, false), (4, true), (5, false)]);
        ended.unwrap();
    }

    #[test]
    fn a_line_without_end_ends_the_reading() {
        let (lines, ended) = read(&vec![b'{'; 3 << 20]);
        assert!(lines.is_empty());
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_attempt_tells_its_stream_and_the_version_that_it_lacks() {
        let at = "2026-11-21T20:10:00Z".parse().unwrap();
        let version = Version::new("20261121000000").unwrap();
        let slice = Slice::Version { stream: stream(), version: version.clone() };
        let mut attempt = Attempt::at_slice(&Name::hex(1), &slice, at);
        assert_eq!(attempt.about(), Some(stream()));
        assert_eq!(attempt.failed_version(), Some(version));
        attempt.outcome = Outcome::Stored;
        assert_eq!(attempt.failed_version(), None);
        attempt.stream = Some(String::new());
        assert_eq!(attempt.about(), Stream::new("aws_price_list", &[]).ok(), "the only stream of a dataset");
        attempt.stream = Some("../x".to_owned());
        assert_eq!(attempt.about(), None);
        assert_eq!(Attempt::at_dataset(&Name::hex(1), "aws_price_list", at).about(), None);
    }
}
