//! The price lists that are replayed: recorded ones, and small ones that were written for the project.

use axum::body::Bytes;
use contrail::lake::key::Key;
use serde::Deserialize;

use super::fixture;
use crate::support::payloads::payload;
use crate::support::price_list::{path, slice};

/// A price list, and what it says of itself.
pub(super) struct Published {
    pub(super) offer: String,
    pub(super) version: String,
    pub(super) region: &'static str,
    pub(super) body: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    offer_code: String,
    version: String,
}

impl Published {
    pub(super) fn new(region: &'static str, body: Vec<u8>) -> Self {
        let Head { offer_code, version } = serde_json::from_slice(&body).unwrap();
        Self { offer: offer_code, version, region, body: body.into() }
    }

    pub(super) fn path(&self) -> String {
        path(&self.offer, &self.version, self.region)
    }

    pub(super) fn key(&self) -> String {
        Key::raw(&slice(&self.offer, &self.version, self.region)).to_string()
    }
}

/// What is replayed.
pub(super) struct Recordings {
    /// Versions of one region, in the order of time.
    pub(super) tokyo: [Published; 3],
    pub(super) london: Published,
    pub(super) china: Published,
    /// Offers of one region and one version.
    pub(super) others: Vec<Published>,
    /// The region index of an offer whose price lists were not recorded.
    pub(super) comprehend: Bytes,
}

impl Recordings {
    pub(super) fn recorded() -> Option<Self> {
        let list = |region, file: &str| {
            payload(&format!("aws-price-list/{file}")).map(|body| Published::new(region, body))
        };
        Some(Self {
            tokyo: [
                list("ap-northeast-1", "AmazonEC2_20190124191230_ap-northeast-1_index.json.gz")?,
                list("ap-northeast-1", "AmazonEC2_20190208030956_ap-northeast-1_index.json.gz")?,
                list("ap-northeast-1", "AmazonEC2_limited_20190329040654_ap-northeast-1.json")?,
            ],
            london: list("eu-west-2", "AmazonEC2_20190215225445_eu-west-2_index.json.gz")?,
            china: list("cn-northwest-1", "AmazonEC2_limited_20230314154740_cn-northwest-1.json")?,
            others: vec![
                list("us-east-1", "2015-2016/AmazonS3_offer-index.json")?,
                list("us-east-1", "2015-2016/AmazonElastiCache_offer-index.json.gz")?,
            ],
            comprehend: payload("aws-price-list/2026/service-comprehend-region_index.json")?.into(),
        })
    }

    pub(super) fn invented() -> Self {
        let list = |region, file: &str| Published::new(region, fixture(&format!("aws_price_list/{file}")));
        Self {
            tokyo: [1, 2, 3].map(|number| list("ap-northeast-1", &format!("ec2_tokyo_{number}.json"))),
            london: list("eu-west-2", "ec2_london.json"),
            china: list("cn-northwest-1", "ec2_ningxia.json"),
            others: vec![list("us-east-1", "s3.json")],
            comprehend: fixture("aws_price_list/comprehend_region_index.json").into(),
        }
    }
}
