//! A price list on its way into a draft: the bytes are written as they come and judged as they pass.

use std::io::Write;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::json::{Fault, Scanner, Visitor};
use crate::base::Name;
use crate::lake::draft::Draft;
use crate::lake::slice::Version;
use crate::sources::Fields;

/// What was promised, and what the document says about it so far.
#[derive(Debug)]
pub(super) struct Promise {
    offer: Name,
    version: Version,
    member: Member,
    saw_offer: bool,
    saw_version: bool,
    products: Option<u64>,
    fields: Fields,
}

/// What a price list that is as promised tells of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// How many products it lists; `None` when the document has no such member.
    pub(super) products: Option<u64>,
    /// Its members, and the kinds of terms: `terms.OnDemand`.
    pub(super) fields: Fields,
}

/// The members of the document that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    OfferCode,
    Version,
    Products,
    Terms,
    Other,
}

/// Why a body was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// It is not what was promised.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// This machine failed to write it.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl Promise {
    /// The price list of `offer` in `version`.
    pub(super) fn new(offer: &Name, version: &Version) -> Self {
        Self {
            offer: offer.clone(),
            version: version.clone(),
            member: Member::Other,
            saw_offer: false,
            saw_version: false,
            products: None,
            fields: Fields::default(),
        }
    }

    /// What the document tells of itself, now that all of it was seen.
    pub(super) fn kept(self) -> Result<Told, Fault> {
        let missing = |what: &str| Err(Fault::Rejected(format!("it has no {what}")));
        match (self.saw_offer, self.saw_version) {
            (false, _) => missing("offerCode"),
            (_, false) => missing("version"),
            (true, true) => Ok(Told { products: self.products, fields: self.fields }),
        }
    }
}

impl Visitor for Promise {
    fn member(&mut self, depth: usize, name: &str) {
        if depth == 1 {
            self.fields.note(name);
            self.member = match name {
                "offerCode" => Member::OfferCode,
                "version" => Member::Version,
                "products" => {
                    self.products.get_or_insert(0);
                    Member::Products
                }
                "terms" => Member::Terms,
                _ => Member::Other,
            };
        } else if self.member == Member::Terms {
            self.fields.note(&format!("terms.{name}"));
        } else if let (Member::Products, Some(products)) = (self.member, &mut self.products) {
            *products += 1;
        }
    }

    fn text(&mut self, depth: usize, value: &str) -> Result<(), String> {
        let (seen, what, promised) = match self.member {
            Member::OfferCode => (&mut self.saw_offer, "offerCode", self.offer.as_str()),
            Member::Version => (&mut self.saw_version, "version", self.version.as_str()),
            Member::Products | Member::Terms | Member::Other => return Ok(()),
        };
        if depth == 1 {
            if value != promised {
                return Err(format!("its {what} is {value:?}"));
            }
            *seen = true;
        }
        Ok(())
    }
}

/// Writes the pieces into `draft`, from its beginning, and judges them against the promise. Returns what it
/// tells of itself. Blocks, and costs the CPU of gzip.
///
/// The end of the channel is the end of the body: a sender that stops early must not believe the result.
pub(super) fn write(
    draft: &mut Draft,
    mut pieces: mpsc::Receiver<Bytes>,
    promise: Promise,
) -> Result<Told, BodyError> {
    if draft.bytes() > 0 {
        draft.restart()?;
    }
    let mut scanner = Scanner::new(promise);
    while let Some(piece) = pieces.blocking_recv() {
        // Judged first: what is no price list is not worth gzip.
        scanner.feed(&piece)?;
        draft.write_all(&piece)?;
    }
    let told = scanner.finish()?.kept()?;
    // Versions are told apart by their names.
    draft.set_rows(told.products.unwrap_or(0), None);
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(json: &str) -> Result<Option<u64>, Fault> {
        let (offer, version) =
            (Name::new("offer", "AmazonEC2").unwrap(), Version::new("20250523232744").unwrap());
        let mut scanner = Scanner::new(Promise::new(&offer, &version));
        scanner.feed(json.as_bytes())?;
        Ok(scanner.finish()?.kept()?.products)
    }

    #[test]
    fn products_are_counted() {
        let head = r#""formatVersion":"v1.0","offerCode":"AmazonEC2","version":"20250523232744""#;
        let list = format!(
            r#"{{{head},"products":{{"A":{{"sku":"A","attributes":{{"x":"y"}}}},"B":{{}}}},"terms":{{"OnDemand":{{}}}}}}"#
        );
        assert_eq!(judge(&list), Ok(Some(2)));
        assert_eq!(judge(&format!(r#"{{{head},"products":{{}}}}"#)), Ok(Some(0)));
        assert_eq!(judge(&format!("{{{head}}}")), Ok(None));
    }

    #[test]
    fn another_document_is_rejected_as_soon_as_it_says_so() {
        for (json, says) in [
            (r#"{"offerCode":"AmazonS3","ver"#, "its offerCode is \"AmazonS3\""),
            (r#"{"offerCode":"AmazonEC2","version":"20250524000000","#, "its version is \"20250524000000\""),
            (r#"{"version":"20250523232744","products":{}}"#, "it has no offerCode"),
            (r#"{"offerCode":"AmazonEC2","version":20250523232744}"#, "it has no version"),
            (r#"{"products":{"version":"20250523232744","offerCode":"AmazonEC2"}}"#, "it has no offerCode"),
            (r#"{"message":"Forbidden"}"#, "it has no offerCode"),
        ] {
            assert_eq!(judge(json), Err(Fault::Rejected(says.to_owned())), "{json}");
        }
    }
}
