//! JSON as the price list prints it: two spaces a level, `"key" : value`, `{ }` and `[ ]` when empty.
//! Written piece by piece, so that a file of any size passes through a small buffer.

/// A document that is being written.
#[derive(Debug, Default)]
pub(crate) struct Pretty {
    out: String,
    depth: usize,
    /// Whether the innermost object already has a member.
    filled: bool,
}

impl Pretty {
    /// Starts the outermost object.
    pub(crate) fn start() -> Self {
        Self { out: "{".to_owned(), depth: 1, filled: false }
    }

    /// A member that is a string.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quoted(value);
    }

    /// A member that is an object, to be filled until [`Self::close`].
    pub(crate) fn open(&mut self, key: &str) {
        self.key(key);
        self.out.push('{');
        self.depth += 1;
        self.filled = false;
    }

    /// Ends the innermost object.
    pub(crate) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.filled {
            self.new_line();
            self.out.push('}');
        } else {
            self.out.push_str(" }");
        }
        self.filled = true;
    }

    /// A member that is a list of objects, each to be opened with [`Self::element`], until [`Self::close_list`].
    pub(crate) fn open_list(&mut self, key: &str) {
        self.key(key);
        self.out.push('[');
        self.filled = false;
    }

    /// An object of a list, to be filled until [`Self::close`].
    pub(crate) fn element(&mut self) {
        self.out.push_str(if self.filled { ", {" } else { " {" });
        self.depth += 1;
        self.filled = false;
    }

    /// Ends the innermost list.
    pub(crate) fn close_list(&mut self) {
        self.out.push_str(" ]");
        self.filled = true;
    }

    /// A member that is a whole number.
    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.out.push_str(&value.to_string());
    }

    /// A member that is an empty list.
    pub(crate) fn empty_list(&mut self, key: &str) {
        self.key(key);
        self.out.push_str("[ ]");
    }

    /// Everything that was written since the last call.
    pub(crate) fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// How much waits to be taken, in bytes.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    fn key(&mut self, key: &str) {
        if self.filled {
            self.out.push(',');
        }
        self.filled = true;
        self.new_line();
        self.quoted(key);
        self.out.push_str(" : ");
    }

    fn new_line(&mut self) {
        const SPACES: &str = "                                ";
        self.out.push('\n');
        self.out.push_str(SPACES.get(..self.depth * 2).unwrap_or(SPACES));
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for part in text.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(plain) => {
                    self.out.push_str(plain);
                    self.out.push('\\');
                    self.out.push_str(part.get(plain.len()..).unwrap_or_default());
                }
                None => self.out.push_str(part),
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_price_list() {
        let mut json = Pretty::start();
        json.text("formatVersion", "v1.0");
        json.open("products");
        json.open("A");
        json.text("sku", "a \"b\" \\");
        json.close();
        json.close();
        json.empty_list("appliesTo");
        json.open("attributesList");
        json.close();
        json.close();
        let text = json.take();
        assert_eq!(
            text,
            "{\n  \"formatVersion\" : \"v1.0\",\n  \"products\" : {\n    \"A\" : {\n      \"sku\" : \"a \\\"b\\\" \\\\\"\n    }\n  },\n  \"appliesTo\" : [ ],\n  \"attributesList\" : { }\n}"
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
