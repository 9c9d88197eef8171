//! The vocabulary of Azure's price listing: regions, machine series and services, under their real names.

/// A series of virtual machines.
#[derive(Debug)]
pub(super) struct Machine {
    /// `Virtual Machines Dsv5 Series`.
    pub(super) product: &'static str,
    /// The meter's name, with `#` for the number of vCPUs.
    pub(super) meter: &'static str,
    /// The price of a vCPU hour in eastus, in millionths of a dollar.
    pub(super) vcpu_micros: u64,
}

/// Anything else that is metered.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) id: &'static str,
    pub(super) family: &'static str,
    pub(super) product: &'static str,
    pub(super) sku: &'static str,
    pub(super) meter: &'static str,
    pub(super) unit: &'static str,
    pub(super) micros: u64,
}

const fn machine(product: &'static str, meter: &'static str, vcpu_micros: u64) -> Machine {
    Machine { product, meter, vcpu_micros }
}

type Row =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, u64);

const fn service(row: Row) -> Service {
    let (name, id, family, product, sku, meter, unit, micros) = row;
    Service { name, id, family, product, sku, meter, unit, micros }
}

#[rustfmt::skip]
pub(super) const MACHINES: [Machine; 20] = [
    machine("Virtual Machines Dv3 Series", "D# v3", 48_000), machine("Virtual Machines Dsv3 Series", "D#s v3", 48_000),
    machine("Virtual Machines Dv4 Series", "D# v4", 48_000), machine("Virtual Machines Ddsv4 Series", "D#ds v4", 56_500),
    machine("Virtual Machines Dsv5 Series", "D#s v5", 48_000), machine("Virtual Machines Dasv5 Series", "D#as v5", 43_000),
    machine("Virtual Machines Dpsv5 Series", "D#ps v5", 38_500), machine("Virtual Machines Dadsv6 Series", "D#ads v6", 51_500),
    machine("Virtual Machines Ev3 Series", "E# v3", 63_000), machine("Virtual Machines Esv5 Series", "E#s v5", 63_000),
    machine("Virtual Machines Easv5 Series", "E#as v5", 56_500), machine("Virtual Machines Edsv6 Series", "E#ds v6", 76_000),
    machine("Virtual Machines Fsv2 Series", "F#s v2", 42_300), machine("Virtual Machines FXmdsv2 Series", "FX#mds v2", 107_000),
    machine("Virtual Machines Basv2 Series", "B#as v2", 37_700), machine("Virtual Machines Bpsv2 Series", "B#ps v2", 33_600),
    machine("Virtual Machines Lsv3 Series", "L#s v3", 78_000), machine("Virtual Machines NCasT4 v3 Series", "NC#as T4 v3", 131_500),
    machine("Virtual Machines NVadsA10 v5 Series", "NV#ads A10 v5", 75_700), machine("Virtual Machines M Series", "M#s", 208_000),
];

#[rustfmt::skip]
pub(super) const SERVICES: [Service; 18] = [
    service(("SQL Database", "DZH3173KCQGC", "Databases", "SQL Database Single/Elastic Pool General Purpose - Compute Gen5", "vCore", "vCore", "1 Hour", 152_200)),
    service(("SQL Managed Instance", "DZH31712MKMM", "Databases", "SQL Managed Instance General Purpose - Compute Gen5", "8 vCore", "vCore", "1 Hour", 1_608_000)),
    service(("Azure Database for PostgreSQL", "DZH3180DSRG5", "Databases", "Azure Database for PostgreSQL Flexible Server General Purpose Ddsv5 Series Compute", "vCore", "vCore", "1 Hour", 89_000)),
    service(("Azure Database for MySQL", "DZH317NR0P99", "Databases", "Azure Database for MySQL Single Server General Purpose - Compute Gen5", "vCore", "vCore", "1 Hour", 101_600)),
    service(("Azure Cosmos DB", "DZH317WPC7PV", "Databases", "Azure Cosmos DB", "RUs", "100 RU/s", "1/Hour", 8_000)),
    service(("Redis Cache", "DZH3177HQT0V", "Databases", "Azure Redis Cache Premium", "P2", "P2 Cache Instance", "1 Hour", 554_000)),
    service(("Azure App Service", "DZH317F1HKN0", "Compute", "Azure App Service Premium v3 Plan - Linux", "P1 v3", "P1 v3 App", "1 Hour", 155_000)),
    service(("Functions", "DZH317N79CTF", "Compute", "Functions", "Standard", "Standard Total Executions", "10", 2)),
    service(("Azure Monitor", "DZH318QK4LXT", "Management and Governance", "Azure Monitor", "Alerts", "Alerts Metric Monitored", "1/Month", 100_000)),
    service(("Log Analytics", "DZH316CP9V1D", "Management and Governance", "Log Analytics", "Analytics Logs", "Analytics Logs Data Ingestion", "1 GB", 2_300_000)),
    service(("Key Vault", "DZH318JLQM4Z", "Security", "Key Vault", "Standard", "Operations", "10K", 30_000)),
    service(("Microsoft Defender for Cloud", "DZH317R3LFB4", "Security", "Microsoft Defender for Servers", "Standard P2", "Standard P2 Node", "1/Hour", 20_000)),
    service(("Cognitive Services", "DZH31600VF1F", "AI + Machine Learning", "Speech", "S1", "S1 Speech To Text", "1 Hour", 1_000_000)),
    service(("Azure Synapse Analytics", "DZH3194T4H8H", "Analytics", "Azure Synapse SSIS Enterprise E-series v3 VM", "E64 v3", "E64 v3 AHB", "1 Hour", 11_972_000)),
    service(("HDInsight", "DZH317MHRDL8", "Analytics", "HDInsight Dv2 Series", "D13 v2", "D13 v2", "1 Hour", 94_000)),
    service(("Application Gateway", "DZH318G5NWNK", "Networking", "Application Gateway Standard v2", "Standard", "Standard Capacity Units", "1/Hour", 8_000)),
    service(("VPN Gateway", "DZH3154QW05P", "Networking", "VPN Gateway", "VpnGw2", "VpnGw2", "1 Hour", 490_000)),
    service(("Service Bus", "DZH316W6CR3M", "Integration", "Service Bus", "Premium", "Premium Messaging Unit", "1/Hour", 928_000)),
];

/// What is charged by tiers.
#[rustfmt::skip]
pub(super) const TIERED: [Service; 4] = [
    service(("Storage", "DZH317F1HKN1", "Storage", "Blob Storage", "Hot LRS", "Hot LRS Data Stored", "1 GB/Month", 20_800)),
    service(("Storage", "DZH317F1HKN1", "Storage", "General Block Blob v2", "Cool GRS", "Cool GRS Data Stored", "1 GB/Month", 33_400)),
    service(("Storage", "DZH317F1HKN1", "Storage", "Azure Data Lake Storage Gen2 Flat Namespace", "Hot ZRS", "Hot ZRS Data Stored", "1 GB/Month", 26_000)),
    service(("Bandwidth", "DZH314HC0WV9", "Networking", "Rtn Preference: MGN", "Standard", "Standard Data Transfer Out", "1 GB", 87_000)),
];

/// The code for the resource manager, the location as the listing says it, and prices relative to eastus in
/// parts per thousand.
#[rustfmt::skip]
pub(super) const REGIONS: [(&str, &str, u64); 44] = [
    ("eastus", "US East", 1_000), ("eastus2", "US East 2", 1_000), ("westus", "US West", 1_170), ("westus2", "US West 2", 1_000),
    ("westus3", "US West 3", 1_000), ("centralus", "US Central", 1_040), ("northcentralus", "US North Central", 1_000),
    ("southcentralus", "US South Central", 1_200), ("westcentralus", "US West Central", 1_200), ("canadacentral", "CA Central", 1_112),
    ("canadaeast", "CA East", 1_112), ("brazilsouth", "BR South", 1_600), ("brazilsoutheast", "BR Southeast", 2_080),
    ("mexicocentral", "MX Central", 1_100), ("northeurope", "EU North", 1_115), ("westeurope", "EU West", 1_200),
    ("uksouth", "UK South", 1_156), ("ukwest", "UK West", 1_208), ("francecentral", "FR Central", 1_167), ("francesouth", "FR South", 1_520),
    ("germanywestcentral", "DE West Central", 1_198), ("swedencentral", "SE Central", 1_063), ("norwayeast", "NO East", 1_167),
    ("switzerlandnorth", "CH North", 1_318), ("italynorth", "IT North", 1_167), ("spaincentral", "ES Central", 1_115),
    ("polandcentral", "PL Central", 1_180), ("eastasia", "AP East", 1_375), ("southeastasia", "AP Southeast", 1_250),
    ("japaneast", "JA East", 1_292), ("japanwest", "JA West", 1_400), ("koreacentral", "KR Central", 1_229), ("koreasouth", "KR South", 1_180),
    ("centralindia", "IN Central", 1_052), ("southindia", "IN South", 1_290), ("indonesiacentral", "ID Central", 1_200),
    ("australiaeast", "AU East", 1_250), ("australiacentral", "AU Central", 1_250), ("newzealandnorth", "NZ North", 1_275),
    ("israelcentral", "IL Central", 1_226), ("uaenorth", "AE North", 1_227), ("southafricanorth", "ZA North", 1_320),
    ("usgovvirginia", "US Gov Virginia", 1_250), ("usgovtexas", "US Gov TX", 1_250),
];
