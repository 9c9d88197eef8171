//! Which of the things that there are was meant by one that there is not.

/// The candidate that is most like what was asked for, if any is like it at all.
pub fn nearest<'a>(asked: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.7;
    let asked = asked.to_ascii_lowercase();
    let likeness = |candidate: &str| {
        let candidate = candidate.to_ascii_lowercase();
        // `ec2` is meant for `AmazonEC2`, although most of its letters are missing.
        let part = if candidate.contains(&asked) { 0.9 } else { 0.0 };
        strsim::jaro_winkler(&asked, &candidate).max(part)
    };
    candidates
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of several, the shortest has the least that was not asked for.
        .max_by(|one, two| one.0.total_cmp(&two.0).then(two.1.len().cmp(&one.1.len())))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_what_was_meant() {
        let offers = ["AmazonEC2", "AmazonEC2Extra", "AmazonS3", "comprehend"];
        let near = |asked| nearest(asked, offers.into_iter());
        assert_eq!(near("ec2"), Some("AmazonEC2"));
        assert_eq!(near("AmazonEc2"), Some("AmazonEC2"));
        assert_eq!(near("AmzonS3"), Some("AmazonS3"));
        assert_eq!(near("zzzz"), None);
    }
}
