//! `[aws]`: who asks AWS. Credentials come from the AWS default chain and are never in the file.

use super::check::{ALL, plain, regions, role};
use super::section::Section;

/// `[aws]`
#[derive(Debug, Clone, PartialEq)]
pub struct Aws {
    /// The profile of the shared AWS files; unset: as the environment says.
    pub profile: Option<String>,
    /// The role to assume.
    pub role_arn: Option<String>,
    /// What the role's trust policy asks for. Only with `role_arn`.
    pub external_id: Option<String>,
    /// The address of a server that stands in for AWS; unset: AWS.
    pub endpoint_url: Option<String>,
    /// Regions by name, or `all` alone: every one that is enabled for the account.
    pub regions: Vec<String>,
}

impl Default for Aws {
    fn default() -> Self {
        Self {
            profile: None,
            role_arn: None,
            external_id: None,
            endpoint_url: None,
            regions: vec![ALL.to_owned()],
        }
    }
}

impl Aws {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let aws = Self {
            profile: section.optional("profile", plain),
            role_arn: section.optional("role_arn", role),
            external_id: section.optional("external_id", plain),
            endpoint_url: section.address("endpoint_url"),
            regions: section.value("regions", Self::default().regions, regions),
        };
        if aws.external_id.is_some() && aws.role_arn.is_none() {
            section.at_odds(
                "external_id",
                "role_arn",
                "needs role_arn",
                "set aws.role_arn, or leave external_id out",
            );
        }
        aws
    }
}
