//! What must hold of every edition of the feed, whatever is in it. For the fuzzer and the replay of its corpus.

use super::feed::{Fault, Feed};
use super::survey::Survey;

/// Feeds a document.
///
/// # Panics
///
/// When a document that was taken says something else when it is read again, or when its beginning is taken for a whole.
pub fn feed(json: &[u8]) {
    let Ok(feed) = Feed::read(json) else { return };
    let mut rows = 0;
    feed.each(|advice| {
        if let Ok(advice) = advice {
            rows += 1;
            let said = advice.said();
            let (least, most) = said.band.map(super::feed::Band::bounds).unwrap_or_default();
            assert!(said.band.is_some() || least.is_none() && most.is_none(), "no band has no bounds");
            let is_whole = said.band.is_some() && said.savings.is_some();
            assert_eq!(is_whole, said.oddity.is_none(), "what is unknown is odd, and what is odd is unknown");
        }
    });
    let survey = |json: &[u8]| Survey::of(json).map(|survey| (survey.rows, survey.rows_hash));
    let told = survey(json);
    assert_eq!(told.as_ref().map(|(rows, _)| *rows), Ok(rows), "each piece of advice is counted");
    assert_eq!(told, survey(&[b" \n", json, b"\t"].concat()), "blanks say nothing");
    let whole = json.trim_ascii_end();
    let cut = whole.get(..whole.len().saturating_sub(1)).unwrap_or_default();
    assert_eq!(survey(cut), Err(Fault::Cut(cut.len())), "what lacks its end is cut");
}
