//! Just enough XML to answer a Query call: elements, text, no attributes but the namespace.

/// A document that is being written.
#[derive(Debug)]
pub(crate) struct Xml(String);

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

impl Xml {
    /// A document that starts with the XML declaration.
    pub(crate) fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// The answer to `action`, with what `fill` writes after the request id.
    pub(crate) fn answer(action: &str, request_id: &str, fill: impl FnOnce(&mut Self)) -> String {
        Self::document(&format!("{action}Response"), NAMESPACE, |xml| {
            xml.text("requestId", request_id);
            fill(xml);
        })
    }

    /// A document whose root element is of `namespace`, with what `fill` writes.
    pub(crate) fn document(root: &str, namespace: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self::new();
        for part in ["<", root, " xmlns=\"", namespace, "\">"] {
            xml.0.push_str(part);
        }
        fill(&mut xml);
        xml.tag("</", root);
        xml.0
    }

    /// An element with what `fill` writes.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        fill(self);
        self.tag("</", name);
    }

    /// An element with text; `<name/>` when there is none.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.0.push('<');
            self.0.push_str(name);
            self.0.push_str("/>");
            return;
        }
        self.tag("<", name);
        for part in text.split_inclusive(['&', '<', '>']) {
            let (plain, special) = match part.as_bytes().last() {
                Some(b'&') => (part.trim_end_matches('&'), "&amp;"),
                Some(b'<') => (part.trim_end_matches('<'), "&lt;"),
                Some(b'>') => (part.trim_end_matches('>'), "&gt;"),
                _ => (part, ""),
            };
            self.0.push_str(plain);
            self.0.push_str(special);
        }
        self.tag("</", name);
    }

    /// The document.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.0.push_str(open);
        self.0.push_str(name);
        self.0.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_nothing_is_an_empty_element() {
        let xml = Xml::answer("DescribeRegions", "id", |xml| {
            xml.element("list", |xml| xml.text("item", "a<b & c>>"));
            xml.text("nextToken", "");
        });
        assert!(xml.ends_with(
            "<requestId>id</requestId><list><item>a&lt;b &amp; c&gt;&gt;</item></list><nextToken/></DescribeRegionsResponse>"
        ), "{xml}");
    }
}
