//! A price list on its way into a draft: the bytes are written as they come and judged as they pass.

use std::io::Write;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::json::{Fault, Scanner, Visitor};
use super::kind::{Kind, Promised};
use crate::base::Name;
use crate::lake::draft::Draft;
use crate::lake::slice::Version;
use crate::sources::Fields;

/// What was promised, and what the document says about it so far.
#[derive(Debug)]
pub(super) struct Promise {
    /// Each with whether it was kept.
    promised: Vec<(Promised, bool)>,
    member: Member,
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
    /// By its place among what is promised.
    Promised(usize),
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
    /// What the list `name` in that version and region says of itself.
    pub(super) fn new(kind: &Kind, name: &Name, version: &Version, region: &Name) -> Self {
        let promised = (kind.promises)(name, version, region);
        Self {
            promised: promised.into_iter().map(|promised| (promised, false)).collect(),
            member: Member::Other,
            products: None,
            fields: Fields::default(),
        }
    }

    /// What the document tells of itself, now that all of it was seen.
    pub(super) fn kept(self) -> Result<Told, Fault> {
        let broken = self.promised.iter().find(|(promised, is_kept)| promised.is_required && !is_kept);
        match broken {
            Some((promised, _)) => Err(Fault::Rejected(format!("it has no {}", promised.member))),
            None => Ok(Told { products: self.products, fields: self.fields }),
        }
    }

    fn count_product(&mut self) {
        if let (Member::Products, Some(products)) = (self.member, &mut self.products) {
            *products += 1;
        }
    }
}

impl Visitor for Promise {
    fn member(&mut self, depth: usize, name: &str) {
        if depth == 1 {
            self.fields.note(name);
            self.member = match name {
                "products" => {
                    self.products.get_or_insert(0);
                    Member::Products
                }
                "terms" => Member::Terms,
                _ => {
                    let place = self.promised.iter().position(|(promised, _)| promised.member == name);
                    place.map_or(Member::Other, Member::Promised)
                }
            };
        } else if self.member == Member::Terms {
            self.fields.note(&format!("terms.{name}"));
        } else {
            self.count_product();
        }
    }

    // Products are members of an object in the lists of offers, and elements of an array in those of plans.
    fn element(&mut self, _: usize) {
        self.count_product();
    }

    fn text(&mut self, depth: usize, value: &str) -> Result<(), String> {
        let Member::Promised(place) = self.member else { return Ok(()) };
        if depth == 1
            && let Some((promised, is_kept)) = self.promised.get_mut(place)
        {
            if value != promised.value {
                return Err(format!("its {} is {value:?}", promised.member));
            }
            *is_kept = true;
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
    use crate::sources::aws::{price_list, savings_plans};

    fn judge(json: &str) -> Result<Option<u64>, Fault> {
        judge_as(&price_list::KIND, json)
    }

    fn judge_as(kind: &Kind, json: &str) -> Result<Option<u64>, Fault> {
        let name = |text| Name::new("name", text).unwrap();
        let version = Version::new("20250523232744").unwrap();
        let mut scanner = Scanner::new(Promise::new(kind, &name("AmazonEC2"), &version, &name("us-east-1")));
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

    #[test]
    fn a_list_of_plans_tells_its_version_and_perhaps_its_region() {
        let judge = |json: &str| judge_as(&savings_plans::KIND, json);
        let head = r#""version":"20250523232744""#;
        let products = r#""products":[{"sku":"A","attributes":{}},{"sku":"B"} ,7,"x",[]]"#;
        let terms = r#""terms":{"savingsPlan":[{"sku":"A","rates":[{},{}]}]}"#;
        assert_eq!(judge(&format!(r"{{{head},{products},{terms}}}")), Ok(Some(5)));
        assert_eq!(judge(&format!(r#"{{{head},"regionCode":"us-east-1",{products}}}"#)), Ok(Some(5)));
        assert_eq!(judge(&format!(r#"{{{head},"products":[]}}"#)), Ok(Some(0)));
        for (json, says) in [
            (r#"{"regionCode":"us-east-2"}"#, "its regionCode is \"us-east-2\""),
            (r#"{"version":"20250524000000"}"#, "its version is \"20250524000000\""),
            (r#"{"products":[{"version":"20250523232744"}]}"#, "it has no version"),
        ] {
            assert_eq!(judge(json), Err(Fault::Rejected(says.to_owned())), "{json}");
        }
    }
}
