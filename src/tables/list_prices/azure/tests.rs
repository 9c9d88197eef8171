use proptest::prelude::*;

use super::*;

const LISTING: &str = include_str!("../../../../tests/fixtures/azure_retail_prices/rates.ndjson");

/// The rates of a listing, each in a line as a person would say it, and what is odd.
fn read(listing: &str) -> (Vec<String>, Problems) {
    let (mut told, mut problems) = (Vec::new(), Problems::of("listing"));
    each(listing, &mut problems, |rate| told.push(say(rate)));
    (told, problems)
}

fn each(listing: &str, problems: &mut Problems, mut take: impl FnMut(&Rate<'_>)) {
    let parts = [("currency", "USD"), ("price_type", "Consumption")];
    let stream = Stream::new("azure_retail_prices", &parts).unwrap();
    let tiers = Tiers::read(listing.as_bytes()).unwrap();
    let done = read_items(listing.as_bytes(), &stream, &tiers, problems, |rate| {
        take(rate);
        Ok(())
    });
    done.unwrap();
}

fn say(rate: &Rate<'_>) -> String {
    let mut said: Vec<String> = vec![rate.service_name.to_owned()];
    let names = [rate.instance_type, rate.operating_system, rate.tenancy, rate.meter];
    said.extend(names.into_iter().flatten().map(|name| format!("[{name}]")));
    said.push(rate.region_id.map_or("nowhere".to_owned(), |region| format!("in {region}")));
    said.push(format!("{}:", rate.pricing_category.as_str()));
    said.extend(rate.offering_class.map(str::to_owned));
    said.extend(rate.term_years.map(|years| format!("{years} y")));
    assert_eq!((rate.provider_name, rate.payment_option, rate.pre_installed_software), ("azure", None, None));
    said.push(match (rate.list_unit_price, rate.upfront_price) {
        (Some(price), None) => format!("{price} {} per", rate.currency),
        (None, Some(price)) => format!("{price} {} once, unit", rate.currency),
        (None, None) => format!("unknown {} per", rate.currency),
        (Some(_), Some(_)) => panic!("{rate:?} costs twice"),
    });
    said.push(rate.pricing_unit.unwrap_or("unknown").to_owned());
    match (rate.tier_start, rate.tier_end) {
        (Some(start), None) if start == crate::base::Quantity::ZERO => {}
        (Some(start), None) => said.push(format!("from {start}")),
        (Some(start), Some(end)) => said.push(format!("from {start} to {end}")),
        (None, _) => said.push("of an unknown tier".to_owned()),
    }
    let moment = |time: crate::base::Time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    if let Some(from) = rate.effective_from.map(moment).filter(|from| from != "2024-11-01T00:00:00Z") {
        said.push(format!("since {from}"));
    }
    said.extend(rate.effective_from.is_none().then(|| "since who knows".to_owned()));
    said.extend(rate.effective_to.map(|to| format!("until {}", moment(to))));
    said.join(" ")
}

#[test]
fn rates_say_what_the_price_page_says() {
    let (told, problems) = read(LISTING);
    let expected = [
        // The same machine as one goes, with both savings plans, and with Windows.
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5] in eastus Standard: 0.096 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5] in eastus Committed: savings plan 3 y 0.0451 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5] in eastus Committed: savings plan 1 y 0.0672 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Windows] [Shared] [D2s v5] in eastus Standard: 0.188 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5 Spot] in eastus Dynamic: 0.018067 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Windows] [Shared] [D2s v5 Low Priority] in eastus Dynamic: 0.0376 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Windows] [Shared] [D2s v5] in eastus Standard: dev/test 0.096 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Windows] [Shared] [D2s v5 Spot] in eastus Dynamic: dev/test 0.018067 USD per 1 Hour",
        // Reservations cost what they cost for the whole term.
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5] in eastus Committed: reservation 1 y 496 USD once, unit 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [D2s v5] in eastus Committed: reservation 3 y 958 USD once, unit 1 Hour",
        "Virtual Machines [Dsv5_Type1] [Host] [Dsv5 Type1] in eastus Standard: 4.646 USD per 1 Hour",
        "Virtual Machines [Dsv5_Type1] [Host] [Dsv5 Type1] in eastus Committed: reservation 3 y 46367 USD once, unit 1 Hour",
        // No machine that anybody could start, although it is called by the name of one.
        "Virtual Machines [Standard_D2as_v5] [D2as v5] in eastus Standard: 0.178 USD per 1 Hour",
        "Virtual Machines [Standard_HB120rs_v3] [Linux] [Shared] [HB120rs v3] in eastus Committed: reservation 5 y 82.2 USD once, unit 1 Hour",
        // Tiers, in the order of the listing; what is free costs nothing.
        "Storage [Hot LRS Data Stored] in eastus Standard: 0.0191 USD per 1 GB/Month from 512000",
        "Storage [Hot LRS Data Stored] in eastus Standard: 0.0208 USD per 1 GB/Month from 0 to 51200",
        "Storage [Hot LRS Data Stored] in eastus Standard: 0.01997 USD per 1 GB/Month from 51200 to 512000",
        "Bandwidth [Standard Data Transfer Out] nowhere Standard: 0 USD per 1 GB from 0 to 100",
        "Bandwidth [Standard Data Transfer Out] nowhere Standard: 0.087 USD per 1 GB from 100 to 10240",
        "Bandwidth [Standard Data Transfer Out] nowhere Standard: 0.083 USD per 1 GB from 10240",
        "Virtual Machines Licenses [1-4 vCPU VM License] in Global Standard: 0.0144 USD per 1 Hour",
        "SQL Database [SQLDB_GP_Compute_Gen5_2] [vCore] in eastus Standard: 0.152217 USD per 1 Hour",
        "Functions [Standard Total Executions] in eastus Standard: 0.000016 USD per 10",
        "Key Vault [Operations] in eastus Standard: 0.37 EUR per 10K",
        // A price, and the one that is announced.
        "Virtual Machines [Standard_E8s_v5] [Linux] [Shared] [E8s v5] in eastus Standard: 0.526 USD per 1 Hour until 2026-11-30T23:59:00Z",
        "Virtual Machines [Standard_E8s_v5] [Linux] [Shared] [E8s v5] in eastus Standard: 0.575 USD per 1 Hour since 2026-12-01T00:00:00Z",
        "Virtual Machines [Standard_A2_v2] [Linux] [Shared] [A2 v2 - Expired] in eastus Standard: 0.077 USD per 1 Hour until 2025-04-30T00:00:00Z",
        "Virtual Machines [Standard_A1_v2] [Linux] [Shared] [A1 v2] in eastus Standard: 0.043 USD per 1 Hour",
        "Azure App Service [F1 App] in eastus Standard: dev/test 0 USD per 1 Hour",
        // What is odd, as far as it can be kept.
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [too fine] in eastus Standard: unknown USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [no number] in eastus Standard: unknown USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [nothing said] in eastus Standard: unknown USD per unknown",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [no term] in eastus Committed: reservation 100 USD once, unit 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [months] in eastus Committed: reservation 50 USD once, unit 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [odd plans] in eastus Standard: 0.1 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [odd plans] in eastus Committed: savings plan 1 y 0.05 USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [odd plans] in eastus Committed: savings plan 3 y unknown USD per 1 Hour",
        "Virtual Machines [Standard_D2s_v5] [Linux] [Shared] [odd \\u00e9é] nowhere Standard: 0.1 USD per 1 Hour since who knows",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert_eq!(told, expected);
    }
    assert_eq!((told.len(), problems.count()), (expected.len(), 15), "{:?}", problems.told());
    assert!(!problems.is_cut());
}

#[test]
fn what_is_odd_is_told_with_its_line() {
    let odd: String = LISTING
        .lines()
        .skip_while(|line| !line.contains("too fine"))
        .fold(String::new(), |all, line| all + line + "\n");
    let mut told = Vec::new();
    for (index, line) in odd.lines().enumerate() {
        let (_, problems) = read(&format!("{line}\n"));
        told.extend(problems.told().iter().map(|problem| format!("{} {}", index + 1, problem.reason)));
        assert!(problems.told().iter().all(|problem| problem.place == "line 1"), "{problems:?}");
    }
    let expected = [
        "1 retailPrice does not fit: 0.12345678901",
        "2 retailPrice is no number: \"free\"",
        "3 unitOfMeasure is missing",
        "3 retailPrice is missing",
        "4 reservationTerm is missing",
        "5 the term 6 Months is no number of years",
        "6 retailPrice of a savings plan is no number: \"?\"",
        "6 term of a savings plan is missing",
        "7 meterId is missing: nobody can tell whose price it is",
        "8 type is missing",
        "8 currencyCode is missing",
        "8 armRegionName is no text: 7",
        "8 effectiveStartDate is no moment: soon",
    ];
    for expected in expected {
        assert!(told.iter().any(|told| told == expected), "{expected} is not in {told:#?}");
    }
    let others = told.iter().filter(|told| told.starts_with("9 ") || told.starts_with("10 "));
    assert!(others.clone().all(|told| told.contains("is no item: ")), "{told:#?}");
    assert_eq!((told.len(), others.count()), (expected.len() + 2, 2));
}

#[test]
fn a_rate_is_called_by_what_it_is() {
    let mut called = Vec::new();
    each(LISTING, &mut Problems::of("listing"), |rate| called.push(rate.sku_price_id.to_owned()));
    let meter = |number: &str| format!("00000000-0000-0000-0000-{number:0>12}");
    assert_eq!(called[0], format!("{}/Consumption/0", meter("1")));
    assert_eq!(called[1], format!("{}/Consumption/savings plan 3 Years/0", meter("1")));
    assert_eq!(called[9], format!("{}/Reservation/3 Years/0", meter("8")));
    assert_eq!(called[14], format!("{}/Consumption/512000", meter("b10b")));
    assert_eq!(called[24], called[25], "a price and the one that follows it have one name");
}

#[test]
fn identities_are_to_the_letter_and_all_unlike() {
    let mut identities = Vec::new();
    each(LISTING, &mut Problems::of("listing"), |rate| identities.push(rate.identity.to_owned()));
    let count = identities.len();
    assert!(identities.iter().any(|identity| identity.contains(&format!("{PART} A1 v2 {PART}"))));
    identities.sort();
    identities.dedup();
    assert_eq!(identities.len(), count);
}

#[test]
fn a_listing_that_was_cut_says_so() {
    let (first, rest) = LISTING.split_once('\n').unwrap();
    let cut: String = rest.chars().take(40).collect();
    let (told, problems) = read(&format!("{first}\n{cut}"));
    assert_eq!(told.len(), 3);
    assert!(problems.is_cut());
}

proptest! {
    #[test]
    fn whatever_the_listing_says_it_is_read(
        line in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        letter in "[ -~é]",
    ) {
        let lines: Vec<&str> = LISTING.lines().collect();
        let mut line: Vec<char> = lines[line.index(lines.len())].chars().collect();
        let at = at.index(line.len());
        line[at] = letter.chars().next().unwrap();
        let line: String = line.into_iter().collect();
        let (told, problems) = read(&(line + "\n"));
        prop_assert!(!told.is_empty() || problems.count() > 0);
    }
}

#[test]
fn recorded_listings_come_to_what_another_program_counts() {
    let Some(captures) = crate::tables::list_prices::tests::recordings::captures() else { return };
    let [mut rates, mut dynamic, mut committed, mut dev_test, mut free, mut ends, mut three_years] = [0; 7];
    let [mut windows, mut linux, mut hosts, mut typed, mut nowhere, mut tier_ends] = [0; 6];
    let (mut units, mut problems) = (0, Problems::of("captures"));
    for capture in &captures {
        each(capture, &mut problems, |rate| {
            let price = rate.list_unit_price.or(rate.upfront_price).expect("every price is a number");
            rates += 1;
            dynamic += u32::from(rate.pricing_category == Category::Dynamic);
            committed += u32::from(rate.upfront_price.is_some());
            dev_test += u32::from(rate.offering_class == Some("dev/test"));
            free += u32::from(price == crate::base::Price::ZERO);
            ends += u32::from(rate.effective_to.is_some());
            three_years += u32::from(rate.term_years == Some(3));
            windows += u32::from(rate.operating_system == Some("Windows"));
            linux += u32::from(rate.operating_system == Some("Linux"));
            hosts += u32::from(rate.tenancy == Some("Host"));
            typed += u32::from(rate.instance_type.is_some());
            nowhere += u32::from(rate.region_id.is_none());
            tier_ends += u32::from(rate.tier_end.is_some());
            units += price.units();
            assert_eq!(rate.term_years.is_some(), rate.pricing_category == Category::Committed, "{rate:?}");
            assert!(rate.effective_from.is_some() && rate.pricing_unit.is_some(), "{rate:?}");
        });
    }
    assert_eq!((captures.len(), rates, problems.count()), (110, 109_000, 0), "{:?}", problems.told());
    assert_eq!((dynamic, committed, dev_test, free), (40_369, 15_233, 19_805, 2_516));
    assert_eq!((ends, three_years, windows, linux, hosts), (6_214, 7_497, 38_827, 31_697, 949));
    assert_eq!((typed, nowhere, tier_ends, units), (88_392, 486, 2_450, 28_946_914_387_779_260_000));
}
