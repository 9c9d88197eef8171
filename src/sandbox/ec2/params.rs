//! The form of an EC2 Query call: `Name=value`, lists as `Name.1`, filters as `Filter.1.Name` with
//! `Filter.1.Value.1`.

use std::collections::BTreeMap;

use super::Ec2Error;
use crate::sandbox::market::draw::Draw;

/// The parameters of a call.
#[derive(Debug)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads a form-encoded body. A name that comes twice keeps its last value.
    pub(crate) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The value of `name`, unless it is absent or empty: EC2 treats both alike.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// True when `name` is `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The values of `name.1`, `name.2`, ….
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let prefix = format!("{name}.");
        let is_member = |key: &str| key.strip_prefix(&prefix).is_some_and(|rest| rest.parse::<u32>().is_ok());
        self.0.iter().filter(|(key, _)| is_member(key)).map(|(_, value)| value.as_str()).collect()
    }

    /// The filters; an unknown name is refused.
    pub(crate) fn filters(&self, known: &[&str]) -> Result<Filters, Ec2Error> {
        let mut filters = Vec::new();
        for (key, name) in &self.0 {
            let number = key.strip_prefix("Filter.").and_then(|rest| rest.strip_suffix(".Name"));
            let Some(number) = number else { continue };
            if !known.contains(&name.as_str()) {
                return Err(Ec2Error::invalid(format!("The filter '{name}' is invalid")));
            }
            let values =
                self.list(&format!("Filter.{number}.Value")).into_iter().map(str::to_owned).collect();
            filters.push((name.clone(), values));
        }
        Ok(Filters(filters))
    }

    /// A number that is the same for calls with the same parameters, whatever their `NextToken`.
    pub(crate) fn fingerprint(&self, seed: Draw) -> Draw {
        self.0
            .iter()
            .filter(|(name, value)| *name != "NextToken" && !value.is_empty())
            .fold(seed, |draw, (name, value)| draw.text(name).text(value))
    }
}

/// What must hold for a row: one of the values of each filter, with `*` and `?` as wildcards.
#[derive(Debug)]
pub(crate) struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// True when the filter `name` is absent or lets `value` through.
    pub(crate) fn pass(&self, name: &str, value: &str) -> bool {
        let of_name = self.0.iter().filter(|(filter, _)| filter == name);
        of_name.into_iter().all(|(_, values)| {
            values.iter().any(|pattern| matches_pattern(pattern.as_bytes(), value.as_bytes()))
        })
    }
}

/// Whether `text` fits a pattern of `*` (any run) and `?` (any one), in time linear in practice.
fn matches_pattern(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while pos < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, pos));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[pos] => {
                at += 1;
                pos += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, pos) = (after + 1, from + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_ec2_says() {
        for (pattern, text, fits) in [
            ("m5.*", "m5.large", true),
            ("m5.*", "m6.large", false),
            ("*large", "m5.xlarge", true),
            ("m?.large", "m5.large", true),
            ("m?.large", "m55.large", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "a__b__b_c", true),
            ("a*b*c", "a__c", false),
        ] {
            assert_eq!(matches_pattern(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn lists_and_filters_are_read_by_number() {
        let params = Params::read(
            b"InstanceType.1=m5.large&InstanceType.2=c5.large&Filter.1.Name=zone-id&Filter.1.Value.1=use1-*&NextToken=",
        );
        assert_eq!(params.list("InstanceType"), ["m5.large", "c5.large"]);
        assert_eq!(params.get("NextToken"), None);
        let filters = params.filters(&["zone-id"]).unwrap();
        assert!(filters.pass("zone-id", "use1-az1") && !filters.pass("zone-id", "euw1-az1"));
        assert!(params.filters(&["other"]).is_err());
    }
}
