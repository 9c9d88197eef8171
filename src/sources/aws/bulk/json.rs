//! Checks that bytes are one complete JSON object while they pass by, in pieces of any size and without keeping
//! them. A body of a gigabyte must be proven whole before it is stored, at a small part of what gzip costs.
//! `serde_json` checks a slice fast, but a stream byte by byte, which costs as much as gzip itself. So values
//! that lie within one piece are left to it, and only what spans pieces is followed here.
//!
//! The grammar is that of RFC 8259. What is inside strings is not looked at beyond escapes and control
//! characters; in particular their UTF-8 is not checked.

use serde::de::IgnoredAny;

/// Hears what the uppermost levels of the document hold.
pub(super) trait Visitor {
    /// A member of the object at `depth` begins; the document itself is at depth 1. Told down to
    /// [`TOLD_DEPTH`].
    fn member(&mut self, depth: usize, name: &str);

    /// An element of the array at `depth` begins. Told down to [`TOLD_DEPTH`].
    fn element(&mut self, depth: usize);

    /// The value of the member that began last at `depth`, or an element of the array there, is this text. Told
    /// down to [`TOLD_DEPTH`]. An error ends the scan.
    fn text(&mut self, depth: usize, value: &str) -> Result<(), String>;
}

/// How deep a [`Visitor`] hears names and texts; what lies below is only checked.
pub(super) const TOLD_DEPTH: usize = 2;

/// Names and texts are told up to this length, in bytes as they stand in the document.
const TOLD_BYTES: usize = 256;
/// No number needs more.
const SCALAR_BYTES: usize = 64;
const MAX_DEPTH: usize = 128;

/// Why the bytes are not one complete JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// They are the beginning of one.
    #[error("it ends after {0} bytes, in the middle of the document")]
    Cut(u64),
    /// They are something else.
    #[error("{problem} at byte {at}")]
    Broken {
        /// What is wrong.
        problem: String,
        /// Where, counted from 0.
        at: u64,
    },
    /// The visitor did not like what it heard.
    #[error("{0}")]
    Rejected(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Document,
    FirstMember,
    Member,
    Colon,
    Value,
    FirstElement,
    AfterValue,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Between,
    Text,
    Escape,
    /// So many digits of `\uXXXX` are still to come.
    Unicode(u8),
    Scalar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Object,
    Array,
}

/// The place in the grammar that has been reached.
#[derive(Debug)]
pub(super) struct Scanner<V> {
    visitor: V,
    mode: Mode,
    expect: Expect,
    open: Vec<Container>,
    /// The text or number that is being read, if somebody will want it.
    token: Vec<u8>,
    is_name: bool,
    scanned: u64,
}

impl<V: Visitor> Scanner<V> {
    /// At the start of a document.
    pub(super) fn new(visitor: V) -> Self {
        Self {
            visitor,
            mode: Mode::Between,
            expect: Expect::Document,
            open: Vec::new(),
            token: Vec::new(),
            is_name: false,
            scanned: 0,
        }
    }

    /// Takes the next piece of the document.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let step = match self.mode {
                Mode::Between => {
                    let blank = blanks(&bytes[at..]);
                    if blank == 0 {
                        self.tell_element(byte);
                    }
                    if blank > 0 {
                        Ok(blank)
                    } else if let Some(length) = self.whole_value(&bytes[at..]) {
                        self.expect = Expect::AfterValue;
                        Ok(length)
                    } else {
                        self.structure(byte)
                    }
                }
                Mode::Text => self.text(&bytes[at..]),
                Mode::Escape => self.escape(byte),
                Mode::Unicode(missing) => self.unicode(byte, missing),
                Mode::Scalar => self.scalar(byte),
            };
            at += step.map_err(|problem| problem.at(self.scanned + at as u64))?;
        }
        self.scanned += bytes.len() as u64;
        Ok(())
    }

    /// Says that there are no more bytes, and gives the visitor back if the document is complete.
    pub(super) fn finish(self) -> Result<V, Fault> {
        if self.expect == Expect::End { Ok(self.visitor) } else { Err(Fault::Cut(self.scanned)) }
    }

    /// Tells the visitor of an element that begins with `byte`.
    fn tell_element(&mut self, byte: u8) {
        let depth = self.open.len();
        let may_begin = match self.expect {
            Expect::Value => true,
            Expect::FirstElement => byte != b']',
            _ => false,
        };
        if may_begin && depth <= TOLD_DEPTH && self.open.last() == Some(&Container::Array) {
            self.visitor.element(depth);
        }
    }

    /// The length of the object or array that `bytes` start with, if nobody wants to hear of what is in it and
    /// it ends within them. One that is broken is none: following it will tell what is wrong.
    fn whole_value(&self, bytes: &[u8]) -> Option<usize> {
        let may_start = matches!(self.expect, Expect::Value | Expect::FirstElement);
        if !may_start || self.open.len() < TOLD_DEPTH || !matches!(bytes.first(), Some(b'{' | b'[')) {
            return None;
        }
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
        matches!(values.next(), Some(Ok(_))).then(|| values.byte_offset())
    }

    /// Reads one byte outside of texts and scalars.
    fn structure(&mut self, byte: u8) -> Result<usize, Problem> {
        match (self.expect, byte) {
            (Expect::Document | Expect::Value | Expect::FirstElement, b'{') => {
                self.enter(Container::Object, Expect::FirstMember)?;
            }
            (Expect::Value | Expect::FirstElement, b'[') => {
                self.enter(Container::Array, Expect::FirstElement)?;
            }
            (Expect::FirstMember | Expect::Member, b'"') => self.begin_text(true),
            (Expect::Value | Expect::FirstElement, b'"') => self.begin_text(false),
            (Expect::Value | Expect::FirstElement, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.token.clear();
                self.mode = Mode::Scalar;
                // The byte itself is the first of the scalar.
                return Ok(0);
            }
            (Expect::Colon, b':') => self.expect = Expect::Value,
            (Expect::AfterValue, b',') => {
                let object = self.open.last() == Some(&Container::Object);
                self.expect = if object { Expect::Member } else { Expect::Value };
            }
            (Expect::FirstMember, b'}') | (Expect::FirstElement, b']') => self.leave(),
            (Expect::AfterValue, b'}') if self.open.last() == Some(&Container::Object) => self.leave(),
            (Expect::AfterValue, b']') if self.open.last() == Some(&Container::Array) => self.leave(),
            (Expect::Document, b'<') => return Err(Problem::new("it is HTML or XML, not JSON")),
            (Expect::Document, _) => {
                return Err(Problem::new(format!("it is no JSON object: byte 0x{byte:02x}")));
            }
            (Expect::End, _) => return Err(Problem::new("more data follows the document")),
            _ => return Err(Problem::new(format!("it is broken JSON: unexpected byte 0x{byte:02x}"))),
        }
        Ok(1)
    }

    fn enter(&mut self, container: Container, expect: Expect) -> Result<(), Problem> {
        if self.open.len() == MAX_DEPTH {
            return Err(Problem::new(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(container);
        self.expect = expect;
        Ok(())
    }

    fn leave(&mut self) {
        self.open.pop();
        self.expect = if self.open.is_empty() { Expect::End } else { Expect::AfterValue };
    }

    fn begin_text(&mut self, is_name: bool) {
        self.is_name = is_name;
        self.token.clear();
        self.mode = Mode::Text;
    }

    /// Reads a text up to its end, an escape or the end of the piece.
    fn text(&mut self, bytes: &[u8]) -> Result<usize, Problem> {
        let run = bytes.iter().position(|byte| ENDS_RUN[usize::from(*byte)]).unwrap_or(bytes.len());
        self.keep(&bytes[..run]);
        match bytes.get(run) {
            None => return Ok(run),
            Some(b'"') => self.end_text()?,
            Some(b'\\') => {
                self.keep(b"\\");
                self.mode = Mode::Escape;
            }
            Some(_) => return Err(Problem::new("it is broken JSON: a control character in a text")),
        }
        Ok(run + 1)
    }

    fn end_text(&mut self) -> Result<(), Problem> {
        let depth = self.open.len();
        if depth <= TOLD_DEPTH {
            let text = unescaped(&self.token);
            if self.is_name {
                self.visitor.member(depth, &text);
            } else {
                self.visitor.text(depth, &text).map_err(Problem::Rejected)?;
            }
        }
        self.mode = Mode::Between;
        self.expect = if self.is_name { Expect::Colon } else { Expect::AfterValue };
        Ok(())
    }

    fn escape(&mut self, byte: u8) -> Result<usize, Problem> {
        self.mode = match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Mode::Text,
            b'u' => Mode::Unicode(4),
            _ => return Err(Problem::new("it is broken JSON: an unknown escape in a text")),
        };
        self.keep(&[byte]);
        Ok(1)
    }

    fn unicode(&mut self, byte: u8, missing: u8) -> Result<usize, Problem> {
        if !byte.is_ascii_hexdigit() {
            return Err(Problem::new("it is broken JSON: an unknown escape in a text"));
        }
        self.keep(&[byte]);
        self.mode = if missing > 1 { Mode::Unicode(missing - 1) } else { Mode::Text };
        Ok(1)
    }

    /// Reads one byte of a number, `true`, `false` or `null`.
    fn scalar(&mut self, byte: u8) -> Result<usize, Problem> {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') {
            if self.token.len() == SCALAR_BYTES {
                return Err(Problem::new("it is broken JSON: a number without end"));
            }
            self.token.push(byte);
            return Ok(1);
        }
        serde_json::from_slice::<IgnoredAny>(&self.token)
            .map_err(|_| Problem::new("it is broken JSON: neither a number nor a word before this"))?;
        self.mode = Mode::Between;
        self.expect = Expect::AfterValue;
        Ok(0)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.open.len() <= TOLD_DEPTH {
            let room = TOLD_BYTES.saturating_sub(self.token.len()).min(bytes.len());
            self.token.extend_from_slice(&bytes[..room]);
        }
    }
}

/// What is wrong, before it is known where.
enum Problem {
    Broken(String),
    Rejected(String),
}

impl Problem {
    fn new(text: impl Into<String>) -> Self {
        Self::Broken(text.into())
    }

    fn at(self, at: u64) -> Fault {
        match self {
            Self::Broken(problem) => Fault::Broken { problem, at },
            Self::Rejected(why) => Fault::Rejected(why),
        }
    }
}

/// Bytes at which a run of plain text ends: quote, backslash and the control characters.
const ENDS_RUN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// How many blanks `bytes` starts with.
fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count()
}

/// A text as it is meant; as it stands when it is cut or not UTF-8, which then equals nothing that is expected.
fn unescaped(raw: &[u8]) -> String {
    let quoted = [b"\"", raw, b"\""].concat();
    serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Vec<String>);

    impl Visitor for Heard {
        fn member(&mut self, depth: usize, name: &str) {
            self.0.push(format!("{depth} {name}:"));
        }

        fn element(&mut self, depth: usize) {
            self.0.push(format!("{depth} -"));
        }

        fn text(&mut self, depth: usize, value: &str) -> Result<(), String> {
            self.0.push(format!("{depth} {value}"));
            if value == "stop" { Err("told to stop".to_owned()) } else { Ok(()) }
        }
    }

    fn scan(bytes: &[u8], piece: usize) -> Result<Vec<String>, Fault> {
        let mut scanner = Scanner::new(Heard::default());
        bytes.chunks(piece.max(1)).try_for_each(|piece| scanner.feed(piece))?;
        scanner.finish().map(|heard| heard.0)
    }

    #[test]
    fn the_upper_levels_are_told_and_the_lower_ones_only_checked() {
        let json = br#" {"a" : "x\u0041\"", "b":{"c":[1,-2.5e3,true,null,{"d":"deep"}],"e":"f"}, "g":[ "h" ], "i":{}}
        "#;
        let told = ["1 a:", "1 xA\"", "1 b:", "2 c:", "2 e:", "2 f", "1 g:", "2 -", "2 h", "1 i:"];
        for piece in [1, 2, 3, 7, 1_000] {
            assert_eq!(scan(json, piece).unwrap(), told);
        }
    }

    #[test]
    fn a_beginning_is_told_from_rubbish() {
        for cut in ["", "  ", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"\\u00", "{\"a\":[{}"] {
            assert_eq!(scan(cut.as_bytes(), 1), Err(Fault::Cut(cut.len() as u64)), "{cut}");
        }
        for broken in
            ["<html>", "[]", "1", "\"a\"", "\u{1f}\u{8b}", "{} {}", "{}x", "{,}", "{\"a\" 1}", "{\"a\":1,}"]
        {
            assert!(matches!(scan(broken.as_bytes(), 3), Err(Fault::Broken { .. })), "{broken}");
        }
        assert_eq!(
            scan(b"{\"a\":tru }", 4),
            Err(Fault::Broken {
                problem: "it is broken JSON: neither a number nor a word before this".to_owned(),
                at: 8
            })
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(matches!(scan(deep.as_bytes(), 4_096), Err(Fault::Broken { .. })));
    }

    #[test]
    fn the_visitor_can_end_the_scan() {
        assert_eq!(scan(b"{\"a\":\"stop\"}", 64), Err(Fault::Rejected("told to stop".to_owned())));
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::{Map, Value};
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        let nested = leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|members| Value::from(Map::from_iter(members))),
            ]
        });
        prop::collection::btree_map(".{0,6}", nested, 0..6)
            .prop_map(|members| Value::from(Map::from_iter(members)))
    }

    fn agrees(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
        let ours = scan(bytes, piece);
        let object = bytes.trim_ascii_start().first() == Some(&b'{');
        match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => prop_assert_eq!(ours.is_ok(), object),
            Err(_) => prop_assert!(ours.is_err()),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn every_document_passes_and_none_of_its_beginnings(
            value in value(), pretty in any::<bool>(), piece in 1_usize..40, cut in any::<prop::sample::Index>(),
        ) {
            let json = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
            prop_assert!(scan(&json, piece).is_ok());
            let cut = cut.index(json.len());
            prop_assert_eq!(scan(&json[..cut], piece), Err(Fault::Cut(cut as u64)));
        }

        /// One byte changed, dropped or added: we say what `serde_json` says.
        #[test]
        fn damaged_documents_are_judged_as_serde_json_does(
            value in value(), piece in 1_usize..40, at in any::<prop::sample::Index>(),
            byte in prop_oneof![any::<u8>(), prop::sample::select(b"{}[]:,\"\\ 0-.etnu\n".to_vec())],
            kind in 0..3,
        ) {
            let mut json = serde_json::to_vec(&value).unwrap();
            let at = at.index(json.len());
            match kind {
                0 => json[at] = byte,
                1 => { json.remove(at); }
                _ => json.insert(at, byte),
            }
            agrees(&json, piece)?;
        }
    }
}
