//! The words of AWS's price lists, and what they are called in the tables. Spellings as they stand in recorded offer files
//! of 2015 to 2023. Never here: codes of terms and rates, which differ between partitions.

use std::borrow::Cow;

use crate::base::{Price, Quantity, Time};
use crate::tables::list_prices::Category;

/// The terms that one commits to.
pub(super) const RESERVED: &str = "Reserved";
/// The terms that one does not commit to.
pub(super) const ON_DEMAND: &str = "OnDemand";

/// What an attribute says; AWS writes `NA` where it makes no sense.
pub(super) fn known(text: &str) -> Option<&str> {
    (!["", "NA", "N/A"].contains(&text)).then_some(text)
}

/// The operating system. What is not listed here, such as `Red Hat Enterprise Linux with HA`, stays as it is.
pub(super) fn operating_system(text: &str) -> Option<&str> {
    const NAMES: [(&str, &str); 6] = [
        ("Linux", "Linux"),
        ("Windows", "Windows"),
        ("RHEL", "RHEL"),
        ("Red Hat Enterprise Linux", "RHEL"),
        ("SUSE", "SUSE"),
        ("SUSE Linux", "SUSE"),
    ];
    let written = known(text)?;
    Some(NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(written)).map_or(written, |(_, name)| name))
}

/// The years of `1yr`, `3 yr`; the error is the text that is no number of years.
pub(super) fn years(text: &str) -> Result<i64, &str> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let is_year = ["yr", "yrs", "year", "years"].iter().any(|name| name.eq_ignore_ascii_case(unit));
    digits.trim().parse().ok().filter(|years| is_year && *years > 0).ok_or(text)
}

/// How a commitment is paid, from both spellings, `AllUpfront` and `All Upfront`. Those of other times, such as
/// `Heavy Utilization`, stay as they are.
pub(super) fn payment_option(text: &str) -> Option<&str> {
    const NAMES: [&str; 3] = ["No Upfront", "Partial Upfront", "All Upfront"];
    let written = known(text)?;
    Some(NAMES.into_iter().find(|name| letters(name).eq(letters(written))).unwrap_or(written))
}

/// A text without its blanks and capitals.
fn letters(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_lowercase())
}

/// `standard` or `convertible`.
pub(super) fn offering_class(text: &str) -> Option<Cow<'_, str>> {
    let written = known(text)?;
    let is_lower = !written.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if is_lower { written.into() } else { written.to_ascii_lowercase().into() })
}

/// What a price is asked for. A kind of term that is not known is judged by whether one is bound for a time.
pub(super) fn category(kind: &str, has_lease: bool) -> Category {
    match kind {
        RESERVED => Category::Committed,
        ON_DEMAND => Category::Standard,
        _ if has_lease => Category::Committed,
        _ => Category::Standard,
    }
}

/// Where a tier begins or ends: `None` for `Inf`; the error is the text that is no quantity.
pub(super) fn bound(text: &str) -> Result<Option<Quantity>, &str> {
    if text.eq_ignore_ascii_case("inf") {
        return Ok(None);
    }
    Quantity::read(text).map(Some).ok_or(text)
}

/// A price; the error is the text that is no number, or does not fit exactly.
pub(super) fn price(text: &str) -> Result<Price, &str> {
    Price::read(text).ok_or(text)
}

/// A moment, `2019-01-01T00:00:00Z`; the error is the text that is none.
pub(super) fn moment(text: &str) -> Result<Time, &str> {
    text.parse().map_err(|_| text)
}

/// Whether a rate of a commitment is due once: then it has a unit of its own and no range at all.
pub(super) fn is_upfront(unit: Option<&str>, has_range: bool) -> bool {
    !has_range && unit.is_some_and(|unit| unit.eq_ignore_ascii_case("Quantity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_have_one_name_each() {
        for (written, name) in [
            ("Linux", Some("Linux")),
            ("linux", Some("Linux")),
            ("Windows", Some("Windows")),
            ("RHEL", Some("RHEL")),
            ("Red Hat Enterprise Linux", Some("RHEL")),
            ("Red Hat Enterprise Linux with HA", Some("Red Hat Enterprise Linux with HA")),
            ("SUSE Linux", Some("SUSE")),
            ("Ubuntu Pro", Some("Ubuntu Pro")),
            ("NA", None),
            ("", None),
        ] {
            assert_eq!(operating_system(written), name, "{written}");
        }
    }

    #[test]
    fn both_spellings_of_a_lease_are_read() {
        for text in ["3yr", "3 yr", "3 years", "3Year"] {
            assert_eq!(years(text), Ok(3), "{text}");
        }
        for text in ["", "yr", "3", "3 mo", "0yr", "-1yr", "x yr", "3yr 6mo", "99999999999999999999yr", "३yr"]
        {
            assert_eq!(years(text), Err(text));
        }
    }

    #[test]
    fn both_spellings_of_a_payment_are_one() {
        for (written, name) in [
            ("AllUpfront", Some("All Upfront")),
            ("All Upfront", Some("All Upfront")),
            ("PartialUpfront", Some("Partial Upfront")),
            ("no upfront", Some("No Upfront")),
            ("Heavy Utilization", Some("Heavy Utilization")),
            ("", None),
        ] {
            assert_eq!(payment_option(written), name, "{written}");
        }
        assert_eq!(offering_class("Convertible").as_deref(), Some("convertible"));
        assert_eq!(offering_class("standard").as_deref(), Some("standard"));
        assert_eq!(offering_class(""), None);
    }

    #[test]
    fn a_bound_is_a_quantity_or_open() {
        assert_eq!(bound("Inf"), Ok(None));
        assert_eq!(bound("0"), Ok(Some(Quantity::ZERO)));
        assert_eq!(bound("15000000000"), Ok(Quantity::read("15000000000")));
        assert_eq!(bound("many"), Err("many"));
        assert_eq!(bound(""), Err(""));
    }

    #[test]
    fn only_a_quantity_without_a_range_is_due_once() {
        assert!(is_upfront(Some("Quantity"), false));
        assert!(!is_upfront(Some("Quantity"), true));
        assert!(!is_upfront(Some("Hrs"), false));
        assert!(!is_upfront(None, false));
    }
}
