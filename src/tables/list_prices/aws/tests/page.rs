//! Of well-chosen rates, what a person who reads the vendor's price page would expect of the tables.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::decode_text;
use crate::tables::list_prices::Rate;

const MACHINES: &str = include_str!("../../../../../tests/fixtures/aws_price_list/rates_machines.json");
const OTHERS: &str = include_str!("../../../../../tests/fixtures/aws_price_list/rates_others.json");
const CACHE: &str = include_str!("../../../../../tests/fixtures/aws_price_list/rates_cache.json");
const S3: &str = include_str!("../../../../../tests/fixtures/aws_price_list/rates_s3.json");
const CHINA: &str = include_str!("../../../../../tests/fixtures/aws_price_list/ec2_ningxia.json");

/// What is sold: machine, operating system, tenancy, software / kind of thing / meter.
fn sold(rate: &Rate<'_>) -> String {
    let machine = [rate.instance_type, rate.operating_system, rate.tenancy, rate.pre_installed_software];
    format!("{} / {} / {}", machine.map(shown).join(", "), shown(rate.product_family), shown(rate.meter))
}

/// On which terms: category, years, payment, class / since when.
fn terms(rate: &Rate<'_>) -> String {
    let (option, class) = (shown(rate.payment_option), shown(rate.offering_class));
    let since = shown(rate.effective_from.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string()));
    format!("{}, {}, {option}, {class} / {since}", rate.pricing_category.as_str(), shown(rate.term_years))
}

/// For how much: currency, unit price a unit + due once, from unit to unit.
fn asked(rate: &Rate<'_>) -> String {
    let tier = format!("{}..{}", shown(rate.tier_start), shown(rate.tier_end));
    let (unit_price, upfront) = (shown(rate.list_unit_price), shown(rate.upfront_price));
    format!("{} {unit_price} a {} + {upfront}, {tier}", rate.currency, shown(rate.pricing_unit))
}

fn shown(value: Option<impl Display>) -> String {
    value.map_or("?".to_owned(), |value| value.to_string())
}

/// The rates of an offer file by rate code and currency, each as three texts.
fn page(offer: &str, region: &str, json: &str) -> BTreeMap<(String, String), [String; 3]> {
    let mut page = BTreeMap::new();
    decode_text(offer, region, json).each(|rate| {
        assert_eq!((rate.provider_name, rate.service_name, rate.region_id), ("aws", offer, Some(region)));
        assert_eq!(rate.identity, format!("{}/{}/{region}", rate.sku_price_id, rate.currency));
        assert!(rate.sku_price_id.starts_with(&format!("{}.", rate.sku_id)));
        assert_eq!(rate.effective_to, None);
        let key = (rate.sku_price_id.to_owned(), rate.currency.to_owned());
        let was = page.insert(key, [sold(rate), terms(rate), asked(rate)]);
        assert_eq!(was, None, "{} is there twice", rate.sku_price_id);
    });
    page
}

const NOW: &str = "Standard, ?, ?, ? / 2026-11-01 00:00:00";

fn assert_page(offer: &str, region: &str, json: &str, expected: &[(&str, &str, &str, &str)]) {
    let page = page(offer, region, json);
    for (code, sold, terms, asked) in expected {
        let (code, currency) = (*code, asked.split(' ').next().unwrap());
        let found = page.get(&(code.to_owned(), currency.to_owned())).unwrap_or_else(|| panic!("no {code}"));
        assert_eq!(*found, [*sold, *terms, *asked], "{code}");
    }
    assert_eq!(page.len(), expected.len(), "rates that nobody expected, or expects twice");
}

#[test]
fn a_machine_costs_what_the_page_says() {
    let hour = "USD 0.096 a Hrs + ?, 0..?";
    let box_usage = |software: &str, operation: &str| {
        format!("q1.large, {software} / Compute Instance / EUC1-BoxUsage:q1.large/RunInstances{operation}")
    };
    let linux = box_usage("Linux, Shared, ?", "");
    let windows = box_usage("Windows, Shared, ?", ":0002");
    let own_license = box_usage("Windows, Shared, ?", ":0800");
    let red_hat = box_usage("RHEL, Shared, ?", ":0010");
    let red_hat_available = box_usage("Red Hat Enterprise Linux with HA, Shared, ?", ":1010");
    let suse = box_usage("SUSE, Shared, ?", ":000g");
    let ubuntu = box_usage("Ubuntu Pro, Shared, ?", ":0g00");
    let linux_sql = box_usage("Linux, Shared, SQL Web", ":0200");
    let windows_sql = box_usage("Windows, Shared, SQL Ent", ":0102");
    let since = "2024-06-30 23:59:59";
    let reserved =
        |years: u8, option: &str, class: &str| format!("Committed, {years}, {option}, {class} / {since}");
    let [no_1, partial_1, all_1] =
        ["No", "Partial", "All"].map(|part| reserved(1, &format!("{part} Upfront"), "standard"));
    let [no_3, partial_3, all_3] =
        ["No", "Partial", "All"].map(|part| reserved(3, &format!("{part} Upfront"), "standard"));
    let [no_1c, partial_1c, all_1c] =
        ["No", "Partial", "All"].map(|part| reserved(1, &format!("{part} Upfront"), "convertible"));
    // Written `3 yr` and `NoUpfront` in the file.
    let [no_3c, partial_3c, all_3c] =
        ["No", "Partial", "All"].map(|part| reserved(3, &format!("{part} Upfront"), "convertible"));
    let free = "USD 0 a Hrs + ?, 0..?";
    let expected: &[(&str, &str, &str, &str)] = &[
        ("LINUX.ONDEMAND.HOURLY", &linux, NOW, hour),
        ("WINDOWS.ONDEMAND.HOURLY", &windows, NOW, "USD 0.188 a Hrs + ?, 0..?"),
        // Told from Windows with a licence by the operation alone.
        ("BYOL.ONDEMAND.HOURLY", &own_license, NOW, hour),
        ("RHEL.ONDEMAND.HOURLY", &red_hat, NOW, "USD 0.1248 a Hrs + ?, 0..?"),
        ("RHELHA.ONDEMAND.HOURLY", &red_hat_available, NOW, "USD 0.1436 a Hrs + ?, 0..?"),
        ("SUSE.ONDEMAND.HOURLY", &suse, NOW, "USD 0.1523 a Hrs + ?, 0..?"),
        ("UBUNTUPRO.ONDEMAND.HOURLY", &ubuntu, NOW, "USD 0.0995 a Hrs + ?, 0..?"),
        ("SQLWEB.ONDEMAND.HOURLY", &linux_sql, NOW, "USD 0.1635 a Hrs + ?, 0..?"),
        ("SQLENT.ONDEMAND.HOURLY", &windows_sql, NOW, "USD 1.688 a Hrs + ?, 0..?"),
        (
            "DEDICATED.ONDEMAND.HOURLY",
            "q1.large, Linux, Dedicated, ? / Compute Instance / EUC1-DedicatedUsage:q1.large/RunInstances",
            NOW,
            "USD 0.1019 a Hrs + ?, 0..?",
        ),
        // The host is paid; what runs on it is free, and that is a price.
        (
            "HOST.ONDEMAND.HOURLY",
            "q1, ?, Host, ? / Dedicated Host / EUC1-HostUsage:q1/RunInstances",
            NOW,
            "USD 5.069 a Hrs + ?, 0..?",
        ),
        (
            "ONHOST.ONDEMAND.HOURLY",
            "q1.large, Linux, Host, ? / Compute Instance / EUC1-HostBoxUsage:q1.large/RunInstances",
            NOW,
            free,
        ),
        // A machine that is kept free costs what one that runs does, and one that runs in what is kept free costs nothing.
        (
            "UNUSED.ONDEMAND.HOURLY",
            "q1.large, Linux, Shared, ? / Compute Instance / EUC1-UnusedBox:q1.large/RunInstances",
            NOW,
            hour,
        ),
        (
            "ALLOCATED.ONDEMAND.HOURLY",
            "q1.large, Linux, Shared, ? / Compute Instance / EUC1-Reservation:q1.large/RunInstances",
            NOW,
            free,
        ),
        // Paid in advance, elsewhere: told from a machine on demand by the operation.
        (
            "BLOCK.ONDEMAND.HOURLY",
            "q5.48xlarge, Linux, Shared, ? / Compute Instance / EUC1-BoxUsage:q5.48xlarge/RunInstances:CB",
            NOW,
            free,
        ),
        (
            "METAL.ONDEMAND.HOURLY",
            "q1.metal, Linux, Shared, ? / Compute Instance (bare metal) / EUC1-BoxUsage:q1.metal/RunInstances",
            NOW,
            "USD 4.608 a Hrs + ?, 0..?",
        ),
        ("LINUX.STAN1NO.HOURLY", &linux, &no_1, "USD 0.0605 a Hrs + ?, 0..?"),
        ("LINUX.STAN1PARTIAL.UPFRONT", &linux, &partial_1, "USD ? a Quantity + 264, ?..?"),
        ("LINUX.STAN1PARTIAL.HOURLY", &linux, &partial_1, "USD 0.0302 a Hrs + ?, 0..?"),
        ("LINUX.STAN1ALL.UPFRONT", &linux, &all_1, "USD ? a Quantity + 518, ?..?"),
        ("LINUX.STAN1ALL.HOURLY", &linux, &all_1, free),
        ("LINUX.STAN3NO.HOURLY", &linux, &no_3, "USD 0.0415 a Hrs + ?, 0..?"),
        ("LINUX.STAN3PARTIAL.UPFRONT", &linux, &partial_3, "USD ? a Quantity + 508, ?..?"),
        ("LINUX.STAN3PARTIAL.HOURLY", &linux, &partial_3, "USD 0.0193 a Hrs + ?, 0..?"),
        ("LINUX.STAN3ALL.UPFRONT", &linux, &all_3, "USD ? a Quantity + 968, ?..?"),
        ("LINUX.STAN3ALL.HOURLY", &linux, &all_3, free),
        ("LINUX.CONV1NO.HOURLY", &linux, &no_1c, "USD 0.0691 a Hrs + ?, 0..?"),
        ("LINUX.CONV1PARTIAL.UPFRONT", &linux, &partial_1c, "USD ? a Quantity + 302, ?..?"),
        ("LINUX.CONV1PARTIAL.HOURLY", &linux, &partial_1c, "USD 0.0345 a Hrs + ?, 0..?"),
        ("LINUX.CONV1ALL.UPFRONT", &linux, &all_1c, "USD ? a Quantity + 592, ?..?"),
        ("LINUX.CONV1ALL.HOURLY", &linux, &all_1c, free),
        ("LINUX.CONV3NO.HOURLY", &linux, &no_3c, "USD 0.048 a Hrs + ?, 0..?"),
        ("LINUX.CONV3PARTIAL.UPFRONT", &linux, &partial_3c, "USD ? a Quantity + 595, ?..?"),
        ("LINUX.CONV3PARTIAL.HOURLY", &linux, &partial_3c, "USD 0.0226 a Hrs + ?, 0..?"),
        ("LINUX.CONV3ALL.UPFRONT", &linux, &all_3c, "USD ? a Quantity + 1160, ?..?"),
        ("LINUX.CONV3ALL.HOURLY", &linux, &all_3c, free),
    ];
    assert_page("AmazonEC2", "eu-central-1", MACHINES, expected);
}

#[test]
fn what_is_no_machine_costs_what_the_page_says() {
    let transfer = "?, ?, ?, ? / Data Transfer / EUC1-DataTransfer-Out-Bytes";
    let address = "?, ?, ?, ? / IP Address / EUC1-ElasticIP:AdditionalAddress/AssociateAddressVPC";
    let tiny = "?, ?, ?, ? / Fee / EUC1-Tiny";
    let both = "?, ?, ?, ? / Fee / EUC1-Both";
    let expected: &[(&str, &str, &str, &str)] = &[
        (
            "GP3.ONDEMAND.STORAGE",
            "?, ?, ?, ? / Storage / EUC1-EBS:VolumeUsage.gp3",
            NOW,
            "USD 0.0952 a GB-Mo + ?, 0..?",
        ),
        (
            "NATHOUR.ONDEMAND.HOURLY",
            "?, ?, ?, ? / NAT Gateway / EUC1-NatGateway-Hours/NatGateway",
            NOW,
            "USD 0.052 a Hrs + ?, 0..?",
        ),
        // The first one is free, and that is a price.
        ("ADDRESS.ONDEMAND.FIRST", address, NOW, "USD 0 a Hrs + ?, 0..1"),
        ("ADDRESS.ONDEMAND.REST", address, NOW, "USD 0.005 a Hrs + ?, 1..?"),
        (
            "CREDITS.ONDEMAND.CREDIT",
            "?, Windows, ?, ? / CPU Credits / EUC1-CPUCredits:q3/RunInstances:0002",
            NOW,
            "USD 0.096 a vCPU-Hours + ?, 0..?",
        ),
        // It has no place of its own: that of the list counts.
        ("TRANSFER.ONDEMAND.TIER1", transfer, NOW, "USD 0.09 a GB + ?, 0..10240"),
        ("TRANSFER.ONDEMAND.TIER2", transfer, NOW, "USD 0.085 a GB + ?, 10240..51200"),
        ("TRANSFER.ONDEMAND.TIER3", transfer, NOW, "USD 0.05 a GB + ?, 51200..?"),
        (
            "BETWEEN.ONDEMAND.GB",
            "?, ?, ?, ? / Data Transfer / EUC1-SAE1-AWS-Out-Bytes",
            NOW,
            "USD 0.02 a GB + ?, 0..?",
        ),
        // It has more digits than fit, and is not rounded.
        ("TINY.ONDEMAND.TOOLONG", tiny, NOW, "USD ? a Events + ?, 0..?"),
        ("TINY.ONDEMAND.EXPONENT", tiny, NOW, "USD 0.0001 a Events + ?, 0..?"),
        // Neither the price nor since when is told, and nothing is due once without a commitment.
        (
            "ASKUS.ONDEMAND.WORDS",
            "?, ?, ?, ? / ? / EUC1-AskUs",
            "Standard, ?, ?, ? / ?",
            "USD ? a Quantity + ?, 0..?",
        ),
        ("BOTH.ONDEMAND.FEE", both, NOW, "USD 2.5 a Quantity + ?, 0..?"),
        ("BOTH.ONDEMAND.FEE", both, NOW, "CNY 18 a Quantity + ?, 0..?"),
        // Its product is not described.
        ("NOBODY.ONDEMAND.HOURLY", "?, ?, ?, ? / ? / ?", NOW, "USD 0.5 a Hrs + ?, 0..?"),
    ];
    assert_page("AmazonEC2", "eu-central-1", OTHERS, expected);
    let problems = decode_text("AmazonEC2", "eu-central-1", OTHERS).told();
    let told = [
        r#"rate TINY.ONDEMAND.TOOLONG: "0.0000000000125" is not a price that fits"#,
        r#"term ASKUS.ONDEMAND: "soon" is not a moment"#,
        r#"rate ASKUS.ONDEMAND.WORDS: "on request" is not a price that fits"#,
        "product NOBODY: has terms and is not described",
    ];
    assert_eq!(problems, told);
}

#[test]
fn other_services_other_times_and_other_currencies_fill_the_same_columns() {
    let node = "cache.q1.small, ?, ?, ? / Cache Instance / NodeUsage:cache.q1.small/CreateCacheCluster:0002";
    let heavy = "Committed, 3, Heavy Utilization, ? / 2014-03-31 23:59:59";
    let expected: &[(&str, &str, &str, &str)] = &[
        (
            "CACHE.ONDEMAND.HOURLY",
            node,
            "Standard, ?, ?, ? / 2016-01-01 00:00:00",
            "USD 0.034 a Hrs + ?, 0..?",
        ),
        ("CACHE.HEAVY3.UPFRONT", node, heavy, "USD ? a Quantity + 109, ?..?"),
        ("CACHE.HEAVY3.HOURLY", node, heavy, "USD 0.017 a Hrs + ?, 0..?"),
    ];
    assert_page("AmazonElastiCache", "us-east-1", CACHE, expected);

    let storage = "?, ?, ?, ? / Storage / TimedStorage-ByteHrs";
    let expected: &[(&str, &str, &str, &str)] = &[
        ("KEEP.ONDEMAND.TIER1", storage, NOW, "USD 0.023 a GB-Mo + ?, 0..51200"),
        ("KEEP.ONDEMAND.TIER2", storage, NOW, "USD 0.022 a GB-Mo + ?, 51200..512000"),
        ("KEEP.ONDEMAND.TIER3", storage, NOW, "USD 0.021 a GB-Mo + ?, 512000..?"),
        (
            "GET.ONDEMAND.REQUEST",
            "?, ?, ?, ? / API Request / Requests-Tier2",
            NOW,
            "USD 0.0000004 a Requests + ?, 0..?",
        ),
        (
            "EVENTS.ONDEMAND.REST",
            "?, ?, ?, ? / API Request / Events-Many",
            NOW,
            "USD 0.00000001 a Requests + ?, 15000000000..?",
        ),
    ];
    assert_page("AmazonS3", "us-east-1", S3, expected);

    let expected = &[(
        "INVENTED00000005.CHINATERM1.CHINARATE1",
        "?, ?, ?, ? / Storage / ?",
        "Standard, ?, ?, ? / 2023-03-01 00:00:00",
        "CNY 0.52 a GB-Mo + ?, 0..?",
    )];
    assert_page("AmazonEC2", "cn-northwest-1", CHINA, expected);
}
