//! How an upstream behaves, as far as it is watched: what one fetch shows of it, and what a change of it means. Pure.
//!
//! Habits decide nothing. They travel in the metadata of the objects, so that whoever fetches next, in whatever
//! process, knows what was usual.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::warnings::{Sentinel, Warnings};
use crate::lake::meta::ObjectMeta;

/// What one fetch shows of the upstream's habits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Habits {
    /// Rows on a full page; `None` where there was but one page.
    pub page_rows: Option<u64>,
    /// How many things the upstream told of, where that is steady: items, products, pools.
    pub things: Option<u64>,
    /// The fields that rows had.
    pub fields: Fields,
}

impl Habits {
    /// What an object's metadata says of the habits of its time.
    pub fn of_meta(meta: &ObjectMeta) -> Self {
        let fields = meta.fields.as_deref().map(Fields::of_text).unwrap_or_default();
        Self { page_rows: meta.page_rows, things: meta.things, fields }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Warns of what differs from what was usual before.
    pub fn compare(&self, before: &Self, warnings: &mut Warnings) {
        if let (Some(now), Some(before)) = (self.page_rows, before.page_rows)
            && now != before
        {
            warnings
                .raise(Sentinel::PageSize, || format!("a full page has {now} rows, and had {before} before"));
        }
        if let (Some(now), Some(before)) = (self.things, before.things)
            && u128::from(now) * 10 < u128::from(before) * 9
        {
            warnings.raise(Sentinel::Fewer, || {
                format!("the upstream tells of {now} things, and told of {before} before")
            });
        }
        if self.fields.is_whole() && before.fields.is_whole() {
            let (now, before) = (&self.fields.names, &before.fields.names);
            for name in now.difference(before) {
                warnings.raise(Sentinel::FieldAppeared, || format!("rows have a new field, {name}"));
            }
            for name in before.difference(now) {
                warnings.raise(Sentinel::FieldVanished, || format!("rows have no field {name} any more"));
            }
        }
    }

    /// What is usual now: what this fetch did not show is as it was.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self {
            page_rows: self.page_rows.or(before.page_rows),
            things: self.things.or(before.things),
            fields: if self.fields.names.is_empty() { before.fields.clone() } else { self.fields },
        }
    }
}

/// The names of fields, each once. Bounded, because an upstream may make up any number of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    names: BTreeSet<String>,
    overflown: bool,
}

impl Fields {
    /// As many as are kept. The widest rows today, Azure's, have 24.
    const MOST: usize = 64;

    /// As much text as travels with an object: S3 allows 2 KB for all of its metadata.
    const MAX_TEXT: usize = 512;

    /// Takes in a name.
    pub fn note(&mut self, name: &str) {
        // Nearly always it is known already, as it stands.
        if self.names.contains(name) {
            return;
        }
        let name = plain(name);
        if self.names.contains(name.as_ref()) || self.names.len() < Self::MOST {
            self.names.insert(name.into_owned());
        } else {
            self.overflown = true;
        }
    }

    /// Takes in the names of the members of a JSON object. What is none has no members.
    pub fn note_members(&mut self, json: &str) {
        // A fault of the JSON is for whoever keeps it to tell.
        let _ = serde_json::Deserializer::from_str(json).deserialize_map(Members(self));
    }

    /// The names as one line of ASCII; `None` when there are none, or too many to tell.
    pub fn to_text(&self) -> Option<String> {
        let text = self.names.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        (self.is_whole() && text.len() <= Self::MAX_TEXT).then_some(text)
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    pub fn of_text(text: &str) -> Self {
        let mut fields = Self::default();
        text.split(',').filter(|name| !name.is_empty()).for_each(|name| fields.note(name));
        fields
    }

    /// Whether all names are known, and any.
    fn is_whole(&self) -> bool {
        !self.names.is_empty() && !self.overflown
    }
}

/// A name as it is shown and kept: what is neither letter, digit nor one of `._#-` is a question mark, and the end
/// of a long one is cut.
fn plain(name: &str) -> std::borrow::Cow<'_, str> {
    const LONGEST: usize = 64;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '#' | '-' | '?');
    if name.len() <= LONGEST && !name.is_empty() && name.chars().all(fits) {
        return name.into();
    }
    let plain: String = name.chars().take(LONGEST).map(|c| if fits(c) { c } else { '?' }).collect();
    if plain.is_empty() { "?".into() } else { plain.into() }
}

/// Hears the names of an object's members, without keeping anything else of it.
struct Members<'a>(&'a mut Fields);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key_seed(Name(self.0))?.is_some() {
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Takes in one name, without making a text of it.
struct Name<'a>(&'a mut Fields);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<(), D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.0.note(name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habits(page_rows: u64, things: u64, fields: &str) -> Habits {
        Habits { page_rows: Some(page_rows), things: Some(things), fields: Fields::of_text(fields) }
    }

    fn raised(now: &Habits, before: &Habits) -> (Vec<&'static str>, Vec<String>) {
        let mut warnings = Warnings::default();
        now.compare(before, &mut warnings);
        (warnings.sentinels.iter().map(|sentinel| sentinel.as_str()).collect(), warnings.samples)
    }

    #[test]
    fn what_is_as_usual_raises_nothing() {
        let usual = habits(1_000, 500, "a,b");
        assert_eq!(raised(&usual, &usual), (vec![], vec![]));
        assert_eq!(raised(&habits(1_000, 450, "b,a"), &usual), (vec![], vec![]), "a tenth less is usual");
        assert_eq!(raised(&habits(1_000, 9_000, "a,b"), &usual), (vec![], vec![]), "growth is usual");
    }

    #[test]
    fn each_change_of_habits_is_told() {
        let usual = habits(1_000, 500, "a,b");
        for (now, sentinel, told) in [
            (habits(100, 500, "a,b"), "page_size", "a full page has 100 rows, and had 1000 before"),
            (habits(1_000, 449, "a,b"), "fewer", "the upstream tells of 449 things, and told of 500 before"),
            (habits(1_000, 500, "a,b,c"), "field_appeared", "rows have a new field, c"),
            (habits(1_000, 500, "a"), "field_vanished", "rows have no field b any more"),
        ] {
            assert_eq!(raised(&now, &usual), (vec![sentinel], vec![told.to_owned()]));
        }
    }

    #[test]
    fn what_is_not_known_is_not_compared_and_stays_as_it_was() {
        let (usual, nothing) = (habits(1_000, 500, "a,b"), Habits::default());
        assert_eq!(raised(&nothing, &usual), (vec![], vec![]));
        assert_eq!(raised(&usual, &nothing), (vec![], vec![]));
        assert_eq!(nothing.after(&usual), usual);
        assert_eq!(habits(100, 1, "c").after(&usual), habits(100, 1, "c"));
    }

    #[test]
    fn the_members_of_an_object_are_noted_and_nothing_below_them() {
        let mut fields = Fields::default();
        fields.note_members(r#"{"a":1,"b\u0041":{"deep":[{"x":1}]},"c d\u001b[2J":null}"#);
        fields.note_members("[1,2]");
        fields.note_members("{\"cut");
        assert_eq!(fields.to_text().unwrap(), "a,bA,c?d??2J");
        assert_eq!(Fields::of_text(&fields.to_text().unwrap()), fields);
    }

    #[test]
    fn an_upstream_that_makes_up_fields_without_end_costs_no_memory_and_raises_nothing() {
        let mut fields = Fields::default();
        (0..10_000).for_each(|number| fields.note(&format!("{number}{}", "x".repeat(1_000))));
        assert_eq!(fields.names.len(), Fields::MOST);
        assert!(fields.names.iter().all(|name| name.len() <= 64));
        assert_eq!(fields.to_text(), None);
        let wild = Habits { fields, ..Habits::default() };
        assert_eq!(raised(&wild, &habits(1, 1, "a")), (vec![], vec![]));
    }
}
