//! The raw datasets whose objects are lines of JSON: what SQL calls them, and their fields as the upstreams write them. For
//! engines that read payloads beside the tables. Pure.

/// A dataset of lines.
#[derive(Debug)]
pub struct RawTable {
    /// The name in SQL.
    pub name: &'static str,
    /// The name in keys.
    pub dataset: &'static str,
    /// What parts a stream in keys, below `dt`: columns, as partitions are.
    pub parts: &'static [&'static str],
    /// The fields of a line, as the upstream writes them. In SQL they are called the same in lower case, as Athena and
    /// Spark call them, so that they need no quotes.
    pub fields: &'static [&'static str],
}

impl RawTable {
    /// The columns that stand in lines.
    pub fn columns(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|field| field.to_lowercase())
    }
}

/// Every dataset of lines. Those of one document each are for the tables alone.
pub static RAW_TABLES: [&RawTable; 2] = [
    &RawTable {
        name: "raw_aws_spot_prices",
        dataset: "aws_spot_prices",
        parts: &["region"],
        // docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotPrice.html
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
        // learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices, 2023-01-01-preview
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::aws::spot_prices;
    use crate::sources::azure::retail_prices;

    #[test]
    fn they_are_datasets_of_the_lake() {
        let names = RAW_TABLES.map(|raw| raw.dataset);
        assert_eq!(names, [spot_prices::DATASET.id, retail_prices::DATASET.id]);
        for raw in RAW_TABLES {
            assert_eq!(raw.name, format!("raw_{}", raw.dataset));
        }
    }
}
