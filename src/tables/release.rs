//! Which of two releases is the newer one. Pure.

/// Whether `one` comes after `other`, by the numbers of which a release is made. What has no such numbers is not newer.
pub(super) fn is_newer(one: &str, other: &str) -> bool {
    match (numbers(one), numbers(other)) {
        (Some(one), Some(other)) => one > other,
        _ => false,
    }
}

fn numbers(release: &str) -> Option<Vec<u64>> {
    let plain = release.split(['-', '+']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (one, other) in
            [("0.2.0", "0.1.9"), ("1.0.0", "0.99.99"), ("0.10.0", "0.9.0"), ("1.0.1-rc.1", "1.0.0")]
        {
            assert!(is_newer(one, other) && !is_newer(other, one), "{one} and {other}");
        }
        for (one, other) in [("0.1.0", "0.1.0"), ("odd", "0.1.0"), ("0.1.0", "odd"), ("", "")] {
            assert!(!is_newer(one, other), "{one} and {other}");
        }
    }
}
