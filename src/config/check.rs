//! Bounds of values. A check answers with the predicate of the error: `must be between 1m and 366d, not 0s`.

#![expect(clippy::ptr_arg, reason = "a check takes the type of its setting")]

use std::collections::BTreeSet;
use std::fmt::Display;

use url::Url;

use super::error::quoted;
use super::setting::must_be;
use crate::base::Name;

/// What a check answers.
pub(super) type Checked = Result<(), String>;

/// The word that stands for every region, and for that alone.
pub(super) const ALL: &str = "all";

/// For values whose type says it all.
#[expect(clippy::unnecessary_wraps, reason = "it is a check like the others")]
pub(super) fn anything<T>(_: &T) -> Checked {
    Ok(())
}

/// From `least` to `most`, both included.
pub(super) fn between<T: PartialOrd + Display>(least: T, most: T) -> impl Fn(&T) -> Checked {
    move |value| {
        if *value < least || *value > most {
            return Err(must_be(format_args!("between {least} and {most}"), value));
        }
        Ok(())
    }
}

/// Text without line breaks and other control characters, and not nothing.
pub(super) fn plain(value: &String) -> Checked {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(must_be("plain text, and not empty", quoted(value)));
    }
    Ok(())
}

/// Fit for a key: a region, an offer.
pub(super) fn name(value: &String) -> Checked {
    match Name::new("name", value) {
        Ok(_) => Ok(()),
        Err(_) => Err(must_be("1 to 64 characters of A-Z a-z 0-9 . _ -", quoted(value))),
    }
}

/// At least one item, none twice, and each as `item` demands.
pub(super) fn each(item: impl Fn(&String) -> Checked) -> impl Fn(&Vec<String>) -> Checked {
    move |items| {
        if items.is_empty() {
            return Err("must name at least one".to_owned());
        }
        let mut seen = BTreeSet::new();
        for value in items {
            item(value).map_err(|predicate| format!("holds {}: each {predicate}", quoted(value)))?;
            if !seen.insert(value) {
                return Err(format!("names {} twice", quoted(value)));
            }
        }
        Ok(())
    }
}

/// Names of regions, or `all` on its own.
pub(super) fn regions(regions: &Vec<String>) -> Checked {
    names_or_all("regions")(regions)
}

/// Names of `things`, or `all` on its own.
pub(super) fn names_or_all(things: &'static str) -> impl Fn(&Vec<String>) -> Checked {
    move |names| {
        each(name)(names)?;
        if names.len() > 1 && names.iter().any(|name| name == ALL) {
            return Err(format!("must be either [\"{ALL}\"] or names of {things}, not both"));
        }
        Ok(())
    }
}

/// One of `known`, in that spelling.
pub(super) fn one_of(known: &'static [&'static str]) -> impl Fn(&String) -> Checked {
    move |value| {
        if known.contains(&value.as_str()) {
            return Ok(());
        }
        Err(must_be(format_args!("one of {}", known.join(", ")), quoted(value)))
    }
}

/// Three capitals, as ISO 4217 has them.
pub(super) fn currency(value: &String) -> Checked {
    if value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(must_be("a currency code of three capitals such as USD", quoted(value)))
}

/// The ARN of a role.
pub(super) fn role(value: &String) -> Checked {
    if value.starts_with("arn:") && value.contains(":role/") && !value.chars().any(char::is_whitespace) {
        return Ok(());
    }
    Err(must_be("the ARN of a role such as arn:aws:iam::123456789012:role/contrail", quoted(value)))
}

/// An `http` or `https` address that others are appended to. What is wrong is not repeated: it may be a
/// password.
pub(super) fn base_url(value: &String) -> Checked {
    let url = http_url(value)?;
    if has_credentials(&url) {
        return Err("must not carry a user or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment".to_owned());
    }
    Ok(())
}

/// `value` as an `http` or `https` address. The error does not repeat it: it may carry a password.
pub(super) fn http_url(value: &str) -> Result<Url, String> {
    match Url::parse(value) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("must be an address that starts with http:// or https://".to_owned()),
    }
}

/// Whether `url` carries a user or a password.
pub(super) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn ranges_are_inclusive_and_told() {
        assert_eq!(between(0, 9)(&9), Ok(()));
        assert_eq!(between(0, 9)(&10), Err("must be between 0 and 9, not 10".to_owned()));
    }

    #[test]
    fn regions_are_names_or_all() {
        assert_eq!(regions(&list(&["all"])), Ok(()));
        assert_eq!(regions(&list(&["us-east-1", "us-west-2-lax-1"])), Ok(()));
        for wrong in [&["all", "us-east-1"][..], &[], &["../../x"], &["a", "a"], &[""]] {
            assert!(regions(&list(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_refused_address_is_not_repeated() {
        for wrong in ["https://me:hunter2@host", "hunter2", "ftp://hunter2", "https://host/?key=hunter2", ""]
        {
            let predicate = base_url(&wrong.to_owned()).unwrap_err();
            assert!(!predicate.contains("hunter2"), "{predicate}");
        }
        assert_eq!(base_url(&"http://127.0.0.1:9000/prefix".to_owned()), Ok(()));
    }
}
