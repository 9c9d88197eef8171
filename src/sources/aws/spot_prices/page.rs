//! The answer of `DescribeSpotPriceHistory` as it stands in the XML.
//!
//! The SDK's typed model knows six fields and fails a page for one odd timestamp, so that it is not asked.
//! Attributes are not kept: the EC2 query protocol uses none.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use super::rows::{Name, Node, Row};

const ROOT: &str = "DescribeSpotPriceHistoryResponse";
const SET: &str = "spotPriceHistorySet";
const NEXT_TOKEN: &str = "nextToken";
const ITEM: &str = "item";

/// The elements of a row and what the AWS CLI calls them, to make no text anew of what each row has. Others are
/// kept just the same.
const FIELDS: [(&str, &str); 6] = [
    ("availabilityZone", "AvailabilityZone"),
    ("availabilityZoneId", "AvailabilityZoneId"),
    ("instanceType", "InstanceType"),
    ("productDescription", "ProductDescription"),
    ("spotPrice", "SpotPrice"),
    ("timestamp", "Timestamp"),
];

/// Far deeper than any answer of EC2: a bound for the stack.
const MAX_DEPTH: u32 = 32;

/// One page of a listing.
#[derive(Debug)]
pub(super) struct Page {
    /// Its rows, in the order of the page.
    pub(super) rows: Vec<Row>,
    /// Where the next page is; `None` on the last one.
    pub(super) next_token: Option<String>,
}

/// The answer is no whole page of spot history.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("the answer ends in the middle")]
    Cut,
    #[error("the answer is no well-formed XML: {0}")]
    NotXml(String),
    #[error("the answer is <{0}>, not <{ROOT}>")]
    Root(String),
    #[error("the answer holds no <{SET}>")]
    NoSet,
    #[error("<{SET}> holds <{0}>, which is no row")]
    NoRow(String),
    #[error("the answer is nested too deeply")]
    Depth,
}

/// Reads one answer, which must be whole.
pub(super) fn parse(body: &[u8]) -> Result<Page, Malformed> {
    let mut reader = Reader::from_reader(body);
    reader.config_mut().expand_empty_elements = true;
    let mut parser = Parser(reader);
    let root = parser.root()?;
    if root != ROOT {
        return Err(Malformed::Root(root.chars().take(80).collect()));
    }
    let (mut set, mut next_token) = (None, None);
    while let Some(name) = parser.child()? {
        match name.as_ref() {
            SET => set.get_or_insert_with(Vec::new).extend(parser.rows()?),
            NEXT_TOKEN => {
                if let Node::Text(token) = parser.node(1)? {
                    next_token = Some(token).filter(|token| !token.trim().is_empty());
                }
            }
            _ => drop(parser.node(1)?),
        }
    }
    parser.end()?;
    Ok(Page { rows: set.ok_or(Malformed::NoSet)?, next_token })
}

struct Parser<'a>(Reader<&'a [u8]>);

impl<'a> Parser<'a> {
    fn event(&mut self) -> Result<Event<'a>, Malformed> {
        self.0.read_event().map_err(not_xml)
    }

    /// The name of the root element, which is open afterwards.
    fn root(&mut self) -> Result<Name, Malformed> {
        loop {
            match self.event()? {
                Event::Start(start) => return local_name(start.local_name().as_ref()),
                Event::Text(text) if is_blank(&text) => {}
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
                Event::Eof => return Err(Malformed::NotXml("it is empty".to_owned())),
                _ => return Err(Malformed::NotXml("it does not start with an element".to_owned())),
            }
        }
    }

    /// The name of the next child element, which is open afterwards; `None` at the end of its parent.
    fn child(&mut self) -> Result<Option<Name>, Malformed> {
        loop {
            match self.event()? {
                Event::Start(start) => return local_name(start.local_name().as_ref()).map(Some),
                Event::End(_) => return Ok(None),
                Event::Eof => return Err(Malformed::Cut),
                _ => {}
            }
        }
    }

    /// The rows of the set that is open.
    fn rows(&mut self) -> Result<Vec<Row>, Malformed> {
        let mut rows = Vec::new();
        while let Some(name) = self.child()? {
            if name != ITEM {
                return Err(Malformed::NoRow(name.into_owned()));
            }
            rows.push(match self.node(2)? {
                Node::Fields(fields) => Row(fields),
                Node::Text(text) if text.trim().is_empty() => Row(Vec::new()),
                Node::Text(_) | Node::List(_) => return Err(Malformed::NoRow(name.into_owned())),
            });
        }
        Ok(rows)
    }

    /// The contents of the element that is open, up to its end.
    fn node(&mut self, depth: u32) -> Result<Node, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed::Depth);
        }
        let (mut text, mut children) = (String::new(), Vec::new());
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let name = local_name(start.local_name().as_ref())?;
                    children.push((name, self.node(depth + 1)?));
                }
                Event::End(_) => return Ok(assemble(text, children)),
                Event::Text(part) => text.push_str(&part.decode().map_err(not_xml)?),
                Event::CData(part) => text.push_str(&part.decode().map_err(not_xml)?),
                Event::GeneralRef(reference) => push_reference(&mut text, &reference)?,
                Event::Eof => return Err(Malformed::Cut),
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
            }
        }
    }

    /// Nothing may follow the root element.
    fn end(&mut self) -> Result<(), Malformed> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if is_blank(&text) => {}
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(Malformed::NotXml("something follows its end".to_owned())),
            }
        }
    }
}

fn assemble(text: String, children: Vec<(Name, Node)>) -> Node {
    if children.is_empty() {
        return Node::Text(text);
    }
    if text.trim().is_empty() && children.iter().all(|(name, _)| name == ITEM) {
        return Node::List(children.into_iter().map(|(_, node)| node).collect());
    }
    // A JSON object cannot hold a name twice: what is repeated becomes a list.
    let mut fields: Vec<(Name, Node)> = Vec::with_capacity(children.len());
    let mut repeated: Vec<(Name, Vec<Node>)> = Vec::new();
    for (name, node) in children {
        let name = pascal_case(name);
        if let Some((_, nodes)) = repeated.iter_mut().find(|(field, _)| *field == name) {
            nodes.push(node);
        } else if fields.iter().any(|(field, _)| *field == name) {
            repeated.push((name, vec![node]));
        } else {
            fields.push((name, node));
        }
    }
    for (name, rest) in repeated {
        if let Some((_, first)) = fields.iter_mut().find(|(field, _)| *field == name) {
            let mut nodes = vec![std::mem::replace(first, Node::List(Vec::new()))];
            nodes.extend(rest);
            *first = Node::List(nodes);
        }
    }
    if !text.trim().is_empty() {
        fields.push((Cow::Borrowed("#text"), Node::Text(text)));
    }
    Node::Fields(fields)
}

/// `availabilityZone` as the AWS CLI writes it: `AvailabilityZone`.
fn pascal_case(name: Name) -> Name {
    if let Some((_, known)) = FIELDS.iter().find(|(element, _)| *element == name) {
        return Cow::Borrowed(known);
    }
    let mut name = name.into_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Cow::Owned(name)
}

fn push_reference(text: &mut String, reference: &BytesRef<'_>) -> Result<(), Malformed> {
    if let Some(letter) = reference.resolve_char_ref().map_err(not_xml)? {
        text.push(letter);
        return Ok(());
    }
    let name = reference.decode().map_err(not_xml)?;
    let value = resolve_predefined_entity(&name);
    text.push_str(value.ok_or_else(|| not_xml(format!("unknown entity {name:?}")))?);
    Ok(())
}

fn local_name(name: &[u8]) -> Result<Name, Malformed> {
    let known = FIELDS.iter().map(|(element, _)| *element).chain([ITEM]);
    if let Some(known) = known.into_iter().find(|known| known.as_bytes() == name) {
        return Ok(Cow::Borrowed(known));
    }
    std::str::from_utf8(name).map(|name| Cow::Owned(name.to_owned())).map_err(not_xml)
}

fn is_blank(text: &[u8]) -> bool {
    // A byte order mark may stand before the declaration.
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).iter().all(u8::is_ascii_whitespace)
}

#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn not_xml(error: impl ToString) -> Malformed {
    Malformed::NotXml(error.to_string().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeSpotPriceHistoryResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>99777a75</requestId>"#;

    fn page(rest: &str) -> String {
        format!("{HEAD}{rest}</DescribeSpotPriceHistoryResponse>\n")
    }

    fn item(inner: &str) -> String {
        page(&format!("<spotPriceHistorySet><item>{inner}</item></spotPriceHistorySet><nextToken/>"))
    }

    fn json(inner: &str) -> String {
        let page = parse(item(inner).as_bytes()).unwrap();
        serde_json::to_string(&page.rows[0]).unwrap()
    }

    #[test]
    fn an_item_becomes_a_row_as_the_cli_prints_it() {
        let row = json(
            "<instanceType>m5.large</instanceType><productDescription>Linux/UNIX</productDescription>
             <spotPrice>0.035000</spotPrice><timestamp>2017-07-19T09:15:46.000Z</timestamp>
             <availabilityZone>us-east-1a</availabilityZone>",
        );
        assert_eq!(
            row,
            r#"{"InstanceType":"m5.large","ProductDescription":"Linux/UNIX","SpotPrice":"0.035000","Timestamp":"2017-07-19T09:15:46.000Z","AvailabilityZone":"us-east-1a"}"#
        );
    }

    #[test]
    fn text_is_kept_to_the_letter_and_entities_are_decoded() {
        let row = json("<a> x </a><b>A &amp; B &lt;&#x43;&#68;&gt;</b><c><![CDATA[<&>]]></c><d/>");
        assert_eq!(row, r#"{"A":" x ","B":"A & B <CD>","C":"<&>","D":""}"#);
    }

    #[test]
    fn what_nobody_knows_yet_is_kept_with_its_shape() {
        let row = json(
            "<tagSet><item><key>a</key><value>1</value></item><item><key>b</key></item></tagSet>
             <nested><deeper>x</deeper></nested><twice>1</twice><twice>2</twice><mixed>t<u>v</u></mixed>",
        );
        assert_eq!(
            row,
            r##"{"TagSet":[{"Key":"a","Value":"1"},{"Key":"b"}],"Nested":{"Deeper":"x"},"Twice":["1","2"],"Mixed":{"U":"v","#text":"t"}}"##
        );
    }

    #[test]
    fn an_empty_token_is_the_end() {
        for (element, token) in [
            ("", None),
            ("<nextToken/>", None),
            ("<nextToken></nextToken>", None),
            ("<nextToken>\n  </nextToken>", None),
            ("<nextToken>abc==</nextToken>", Some("abc==")),
        ] {
            let page = parse(page(&format!("<spotPriceHistorySet/>{element}")).as_bytes()).unwrap();
            assert_eq!(page.next_token.as_deref(), token, "{element}");
            assert!(page.rows.is_empty());
        }
    }

    #[test]
    fn what_is_no_answer_is_no_page() {
        let deep = format!("{}{}", "<a>".repeat(99), "</a>".repeat(99));
        let cases = [
            (String::new(), "it is empty"),
            ("Bad Gateway".to_owned(), "does not start with an element"),
            ("<!DOCTYPE html><html><body>Bad<br></body></html>".to_owned(), "the answer is <html>"),
            ("<Response><Errors/></Response>".to_owned(), "the answer is <Response>"),
            (page(""), "holds no <spotPriceHistorySet>"),
            (page("<spotPriceHistorySet><row/></spotPriceHistorySet>"), "holds <row>"),
            (page("<spotPriceHistorySet><item>x</item></spotPriceHistorySet>"), "holds <item>"),
            (item("<a>&unknown;</a>"), "unknown entity"),
            (item("<a></b>"), "no well-formed XML"),
            (item(&deep), "too deeply"),
            (item("<a/>") + "<more/>", "something follows its end"),
        ];
        for (body, expected) in cases {
            let error = parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} does not say {expected:?}");
        }
        assert!(parse(b"<DescribeSpotPriceHistoryResponse>\xff</DescribeSpotPriceHistoryResponse>").is_err());
    }

    #[test]
    fn a_page_that_is_cut_anywhere_is_no_page() {
        let whole = item("<spotPrice>0.1</spotPrice><note>a &amp; b</note>");
        let end = whole.trim_end().len();
        for cut in 0..end {
            assert!(parse(&whole.as_bytes()[..cut]).is_err(), "cut at {cut} of {end}");
        }
        assert!(parse(&whole.as_bytes()[..end]).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_page_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let body = [HEAD.as_bytes(), b"<spotPriceHistorySet><item>", &bytes].concat();
            let _ = parse(&body);
        }

        #[test]
        fn any_text_comes_through(text in "[ -~\u{a0}-\u{2fff}]{1,40}") {
            let escaped = quick_xml::escape::escape(text.as_str());
            let page = parse(item(&format!("<spotPrice>{escaped}</spotPrice>")).as_bytes()).unwrap();
            prop_assert_eq!(page.rows[0].text("SpotPrice"), Some(text.as_str()));
        }
    }
}
