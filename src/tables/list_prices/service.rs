//! Services in keys: `service=Virtual_Machines` holds what Azure calls `Virtual Machines`. Pure.

use crate::base::Name;
use crate::base::name::MAX_NAME_BYTES;

/// What takes the place of what a key cannot hold.
const INSTEAD: &str = "_";

/// The name under which a service stands in keys: each run of letters that a key cannot hold is one `_`. Services whose
/// names meet share an object, whose rows tell them apart.
pub(super) fn slug(service: &str) -> Option<Name> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let (mut slug, mut in_run) = (String::new(), false);
    for letter in service.chars() {
        if fits(letter) {
            slug.push(letter);
        } else if !in_run {
            slug.push_str(INSTEAD);
        }
        in_run = !fits(letter);
    }
    slug.truncate(MAX_NAME_BYTES);
    Name::new("service", &slug).or_else(|_| Name::new("service", INSTEAD)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    fn slug(service: &str) -> String {
        super::slug(service).unwrap().to_string()
    }

    #[test]
    fn a_service_reads_well_in_a_key() {
        for (service, expected) in [
            ("AmazonEC2", "AmazonEC2"),
            ("Virtual Machines", "Virtual_Machines"),
            ("Azure AI & Machine Learning", "Azure_AI_Machine_Learning"),
            ("SQL Database (vCore)", "SQL_Database_vCore_"),
            ("Géo", "G_o"),
            ("a_ b", "a__b"),
            ("", "_"),
            (".", "_"),
            ("..", "_"),
            ("/../", "_.._"),
        ] {
            assert_eq!(slug(service), expected, "{service}");
        }
        assert_eq!(slug(&"x".repeat(100)).len(), 64);
    }

    proptest! {
        #[test]
        fn every_service_has_a_name(service in any::<String>()) {
            let first = slug(&service);
            prop_assert_eq!(slug(&first), first);
        }
    }
}
