//! What must hold of every answer of EC2, whatever is in it. For the fuzzer and the replay of its corpus.

use super::{identity, page};

/// Feeds an answer of EC2.
///
/// # Panics
///
/// When a page that was accepted cannot be kept as it should be.
pub fn page(body: &[u8]) {
    let Ok(page) = page::parse(body) else { return };
    assert_ne!(page.next_token.as_deref().map(str::trim), Some(""), "an empty token is no token");
    for mut row in page.rows {
        let _ = row.oddity();
        for _ in 0..2 {
            let line = serde_json::to_vec(&row).unwrap_or_default();
            assert!(line.starts_with(b"{") && !line.contains(&b'\n'), "a row is an object on one line");
            let kept = identity::of_row("region", &row, &line);
            assert_eq!(identity::of_line("region", &line), Some(kept), "a row reads back as it was kept");
            row.add_zone_id("zone");
        }
    }
}
