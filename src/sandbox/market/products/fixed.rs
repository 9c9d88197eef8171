//! Products without instances: volumes, requests, transfer. Their number does not grow with the market.

/// A product that costs the same whatever the size of the market.
pub(super) struct Fixed {
    /// `Storage`, …
    pub(super) family: &'static str,
    /// The usage type without the region's prefix.
    pub(super) usage: &'static str,
    /// The billing operation, often none.
    pub(super) operation: &'static str,
    /// What else distinguishes it.
    pub(super) attributes: &'static [(&'static str, &'static str)],
    /// `GB-Mo`, `Hrs`, …
    pub(super) unit: &'static str,
    /// Begin, end and price in 10⁻¹⁰ dollars.
    pub(super) tiers: &'static [(&'static str, &'static str, u64)],
    /// The description after the price.
    pub(super) what: &'static str,
}

const fn fixed(
    family: &'static str,
    usage: &'static str,
    operation: &'static str,
    attributes: &'static [(&'static str, &'static str)],
    unit: &'static str,
    tiers: &'static [(&'static str, &'static str, u64)],
    what: &'static str,
) -> Fixed {
    Fixed { family, usage, operation, attributes, unit, tiers, what }
}

#[rustfmt::skip]
pub(super) const EC2_FIXED: [Fixed; 11] = [
    fixed("Storage", "EBS:VolumeUsage.gp3", "", &[("storageMedia", "SSD-backed"), ("volumeType", "General Purpose"), ("volumeApiName", "gp3")], "GB-Mo", &[("0", "Inf", 800_000_000)], "per GB-month of General Purpose (gp3) provisioned storage"),
    fixed("Storage", "EBS:VolumeUsage.gp2", "", &[("storageMedia", "SSD-backed"), ("volumeType", "General Purpose"), ("volumeApiName", "gp2")], "GB-Mo", &[("0", "Inf", 1_000_000_000)], "per GB-month of General Purpose SSD (gp2) provisioned storage"),
    fixed("Storage", "EBS:VolumeUsage.piops", "", &[("storageMedia", "SSD-backed"), ("volumeType", "Provisioned IOPS"), ("volumeApiName", "io1")], "GB-Mo", &[("0", "Inf", 1_250_000_000)], "per GB-month of Provisioned IOPS SSD (io1) provisioned storage"),
    fixed("Storage Snapshot", "EBS:SnapshotUsage", "", &[("storageMedia", "Amazon S3")], "GB-Mo", &[("0", "Inf", 500_000_000)], "per GB-Month of snapshot data stored"),
    fixed("System Operation", "EBS:VolumeIOUsage", "", &[("group", "EBS I/O Requests"), ("provisioned", "No")], "IOs", &[("0", "Inf", 500)], "per 1 million I/O requests"),
    fixed("NAT Gateway", "NatGateway-Hours", "NatGateway", &[("group", "NGW:NatGateway")], "Hrs", &[("0", "Inf", 450_000_000)], "per NAT Gateway Hour"),
    fixed("NAT Gateway", "NatGateway-Bytes", "NatGateway", &[("group", "NGW:NatGateway")], "GB", &[("0", "Inf", 450_000_000)], "per GB Data Processed by NAT Gateways"),
    fixed("Load Balancer-Application", "LCUUsage", "LoadBalancing:Application", &[("group", "ELB:Balancer")], "LCU-Hrs", &[("0", "Inf", 80_000_000)], "per used Application load balancer capacity unit-hour (or partial hour)"),
    fixed("IP Address", "ElasticIP:AdditionalAddress", "", &[("group", "ElasticIP:AdditionalAddress")], "Hrs", &[("0", "Inf", 50_000_000)], "per Additional Elastic IP address attached to a running instance per hour (prorated)"),
    fixed("Fee", "DedicatedUsage", "Surcharge", &[("group", "EC2-Dedicated Usage")], "Hrs", &[("0", "Inf", 20_000_000_000)], "once per hour when you're running at least one Dedicated Instance"),
    fixed("Data Transfer", "DataTransfer-Out-Bytes", "", &[("transferType", "AWS Outbound"), ("toLocation", "External"), ("toLocationType", "Other")], "GB", &[("0", "10240", 900_000_000), ("10240", "51200", 850_000_000), ("51200", "153600", 700_000_000), ("153600", "Inf", 500_000_000)], "per GB data transfer out"),
];
#[rustfmt::skip]
pub(super) const S3_FIXED: [Fixed; 8] = [
    fixed("Storage", "TimedStorage-ByteHrs", "", &[("storageClass", "General Purpose"), ("volumeType", "Standard"), ("availability", "99.99%"), ("durability", "99.999999999%")], "GB-Mo", &[("0", "51200", 230_000_000), ("51200", "512000", 220_000_000), ("512000", "Inf", 210_000_000)], "per GB - storage used / month"),
    fixed("Storage", "TimedStorage-SIA-ByteHrs", "", &[("storageClass", "Infrequent Access"), ("volumeType", "Standard - Infrequent Access")], "GB-Mo", &[("0", "Inf", 125_000_000)], "per GB-Month of storage used in Standard-Infrequent Access"),
    fixed("Storage", "TimedStorage-ZIA-ByteHrs", "", &[("storageClass", "Infrequent Access"), ("volumeType", "One Zone - Infrequent Access")], "GB-Mo", &[("0", "Inf", 100_000_000)], "per GB-Month of storage used in One Zone-Infrequent Access"),
    fixed("Storage", "TimedStorage-GlacierByteHrs", "", &[("storageClass", "Archive"), ("volumeType", "Amazon Glacier")], "GB-Mo", &[("0", "Inf", 36_000_000)], "per GB-Month of storage used in Glacier Flexible Retrieval"),
    fixed("Storage", "TimedStorage-GDA-ByteHrs", "", &[("storageClass", "Archive"), ("volumeType", "Glacier Deep Archive")], "GB-Mo", &[("0", "Inf", 9_900_000)], "per GB-Month of storage used in Glacier Deep Archive"),
    fixed("API Request", "Requests-Tier1", "", &[("group", "S3-API-Tier1")], "Requests", &[("0", "Inf", 50_000)], "per 1,000 PUT, COPY, POST, or LIST requests"),
    fixed("API Request", "Requests-Tier2", "", &[("group", "S3-API-Tier2")], "Requests", &[("0", "Inf", 4_000)], "per 10,000 GET and all other requests"),
    fixed("Fee", "Requests-Tier3-Free", "DeleteObject", &[("group", "S3-API-Free")], "Requests", &[("0", "Inf", 0)], "per 1,000 DELETE requests"),
];
