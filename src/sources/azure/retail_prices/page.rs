//! One page of the listing: its envelope, and its items as raw text. Pure.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::sources::FetchError;

/// A page as it came.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    /// Every item's own text.
    #[serde(borrow, rename = "Items")]
    pub(super) items: Vec<&'a RawValue>,
    /// Where it goes on; nothing on the last page.
    #[serde(rename = "NextPageLink", default)]
    pub(super) next: Option<String>,
}

/// Reads the envelope. An item that is no JSON object makes the page worthless, an odd object does not.
pub(super) fn read(body: &[u8]) -> Result<Page<'_>, FetchError> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(FetchError::upstream("a page of the price listing is HTML or XML instead of JSON")
            .with_hint("a proxy or a login page may answer in the place of Azure"));
    }
    // serde_json's own words would repeat parts of the body.
    let mut page: Page<'_> = serde_json::from_slice(body).map_err(|error| {
        FetchError::upstream(match error.classify() {
            Category::Eof => format!("a page of the price listing is cut short after {} bytes", body.len()),
            Category::Data => {
                "a page of the price listing is no listing: its Items must be an array and its NextPageLink a text".to_owned()
            }
            Category::Syntax | Category::Io => {
                format!("a page of the price listing is no JSON from line {} column {} on", error.line(), error.column())
            }
        })
    })?;
    if let Some(index) = page.items.iter().position(|item| !item.get().starts_with('{')) {
        return Err(FetchError::upstream(format!(
            "item {index} of a page of the price listing is no JSON object"
        )));
    }
    page.next = page.next.filter(|link| !link.trim().is_empty());
    Ok(page)
}

/// The JSON text on one line. Line breaks can only stand between tokens, so only text that has some is
/// touched, and then loses the whitespace between its tokens; the tokens stay as they are.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    // Nearly always it has none: bytes are searched many at a time, characters one after the other.
    let has = |byte| json.as_bytes().contains(&byte);
    if !has(b'\n') && !has(b'\r') {
        return Cow::Borrowed(json);
    }
    let (mut line, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if quoted || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            line.push(c);
        }
        (quoted, escaped) = match c {
            '"' if !escaped => (!quoted, false),
            '\\' => (quoted, quoted && !escaped),
            _ => (quoted, false),
        };
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn an_envelope_gives_its_items_verbatim() {
        let page =
            read(br#"{"Count":2,"Items":[{"p":0.10},{ "p" : 1e-7 }],"NextPageLink":"https://h/p?$skip=2"}"#);
        let page = page.unwrap();
        let texts: Vec<_> = page.items.iter().map(|item| item.get()).collect();
        assert_eq!(texts, [r#"{"p":0.10}"#, r#"{ "p" : 1e-7 }"#]);
        assert_eq!(page.next.as_deref(), Some("https://h/p?$skip=2"));
    }

    #[test]
    fn the_last_page_names_no_next_one() {
        for body in
            [r#"{"Items":[]}"#, r#"{"Items":[],"NextPageLink":null}"#, r#"{"Items":[],"NextPageLink":""}"#]
        {
            assert_eq!(read(body.as_bytes()).unwrap().next, None, "{body}");
        }
    }

    #[test]
    fn what_is_no_listing_is_refused_without_repeating_it() {
        assert!(error("<!DOCTYPE html><p>secret").contains("HTML"));
        assert!(error(r#"{"Items":[{"a":1},{"a""#).contains("cut short"));
        assert!(error("").contains("cut short"));
        assert!(error("secret").contains("no JSON from line 1"));
        assert!(error("\u{1f}\u{8b}").contains("no JSON"));
        for body in [
            r#"{"Count":0}"#,
            r#"{"Items":null}"#,
            r#"{"Items":"secret"}"#,
            r#"{"Items":{}}"#,
            r#"[{"Items":[]}]"#,
            r#"{"Items":[],"NextPageLink":7}"#,
            r#"{"Items":[],"Items":[]}"#,
            "null",
        ] {
            let error = error(body);
            assert!(error.contains("no listing") && !error.contains("secret"), "{body}: {error}");
        }
        for item in ["1", "null", "[]", "\"{\""] {
            assert!(error(&format!(r#"{{"Items":[{{}},{item}]}}"#)).contains("item 1"), "{item}");
        }
    }

    #[test]
    fn only_whitespace_between_tokens_is_taken_away() {
        let json = "{\n  \"a\" : \"two  words \\\" \\\\\",\r\n\t\"b\": [1.50, -0e3]\n}";
        assert_eq!(one_line(json), r#"{"a":"two  words \" \\","b":[1.50,-0e3]}"#);
        assert!(matches!(one_line(r#"{ "a" : 1 }"#), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn one_line_means_the_same(key in ".*", value in ".*", number in any::<i64>()) {
            let value = serde_json::json!({ key: [value], "n": number });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let line = one_line(&pretty);
            prop_assert_eq!(line.as_ref(), serde_json::to_string(&value).unwrap());
        }
    }
}
