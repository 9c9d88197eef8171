//! Raw datasets as the upstream sent them: every line is a row, every value is text, letter by letter. So a query sees what
//! no table has yet, and no price passes through a number.
//!
//! Columns are called as the upstream's fields in lower case, as Athena and Spark call them: SQL needs no quotes then.

mod rows;
mod scan;

pub(super) use scan::scan;

/// A dataset whose objects are NDJSON.
#[derive(Debug)]
pub(super) struct RawTable {
    /// The name in SQL.
    pub(super) name: &'static str,
    /// The name in keys.
    pub(super) dataset: &'static str,
    /// What parts a stream in keys, and is a column.
    pub(super) parts: &'static [&'static str],
    /// The fields of a line, as the upstream writes them.
    pub(super) fields: &'static [&'static str],
}

impl RawTable {
    /// The columns that stand in lines.
    pub(super) fn columns(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|field| field.to_lowercase())
    }
}

/// Every raw dataset that has lines; those of one document each are for the tables.
pub(super) static RAW_TABLES: [&RawTable; 2] = [
    &RawTable {
        name: "raw_aws_spot_prices",
        dataset: "aws_spot_prices",
        parts: &["region"],
        // As the AWS CLI prints them: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotPrice.html
        fields: &[
            "AvailabilityZone",
            "AvailabilityZoneId",
            "InstanceType",
            "ProductDescription",
            "SpotPrice",
            "Timestamp",
        ],
    },
    &RawTable {
        name: "raw_azure_retail_prices",
        dataset: "azure_retail_prices",
        parts: &["currency", "price_type"],
        // As of 2023-01-01-preview: learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
        fields: &[
            "currencyCode",
            "tierMinimumUnits",
            "retailPrice",
            "unitPrice",
            "armRegionName",
            "location",
            "effectiveStartDate",
            "effectiveEndDate",
            "meterId",
            "meterName",
            "productId",
            "skuId",
            "productName",
            "skuName",
            "serviceName",
            "serviceId",
            "serviceFamily",
            "unitOfMeasure",
            "type",
            "isPrimaryMeterRegion",
            "armSkuName",
            "reservationTerm",
            "savingsPlan",
        ],
    },
];
