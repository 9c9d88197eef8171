//! What to add to an IAM policy, told so that a person can paste it.

use serde_json::json;

/// The hint that allows `actions` on `resources`: the actions by name, and a statement that is fit for the list
/// `Statement` of a policy document, such as iam-policy.json.
pub fn allow(actions: &[&str], resources: &[&str]) -> String {
    let statement =
        json!({ "Effect": "Allow", "Action": one_or_many(actions), "Resource": one_or_many(resources) });
    format!("allow {}, for instance with {statement} in the policy", actions.join(" and "))
}

/// The partition of AWS that `region` belongs to, as the second part of an ARN has it. Each has its own accounts.
pub fn partition_of(region: &str) -> &'static str {
    const OTHERS: [(&str, &str); 5] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
    ];
    OTHERS.iter().find(|(start, _)| region.starts_with(start)).map_or("aws", |(_, partition)| partition)
}

/// A policy takes a single value without its list, and people read it more easily.
fn one_or_many(values: &[&str]) -> serde_json::Value {
    match values {
        [one] => json!(one),
        many => json!(many),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_of_one_partition() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-east-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(partition_of(region), partition, "{region}");
        }
    }

    #[test]
    fn the_statement_in_the_hint_is_one_of_a_policy() {
        let hint = allow(&["s3:GetObject", "s3:ListBucket"], &["arn:aws:s3:::lake"]);
        assert!(hint.starts_with("allow s3:GetObject and s3:ListBucket, "), "{hint}");
        let (_, statement) = hint.split_once("with ").unwrap();
        let statement = statement.strip_suffix(" in the policy").unwrap();
        let statement: serde_json::Value = serde_json::from_str(statement).unwrap();
        assert_eq!(statement["Action"], json!(["s3:GetObject", "s3:ListBucket"]));
        assert_eq!(statement["Resource"], "arn:aws:s3:::lake");
    }
}
