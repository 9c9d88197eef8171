//! What Azure's words mean in the words that all clouds share. Pure.

use super::item::Item;

/// The service that sells machines.
const MACHINES: &str = "Virtual Machines";
/// The `type` of what is paid for the whole term.
const RESERVATION: &str = "Reservation";
/// The `type` of what subscribers of Visual Studio pay.
const DEV_TEST: &str = "DevTestConsumption";

/// What kind of machine an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    /// A virtual machine for anybody.
    Virtual,
    /// A host, whose machines cost nothing more but their software.
    Host,
    /// None, or one that only another service runs: a Cloud Service is sold by the names of machines at other prices.
    Other,
}

impl Machine {
    /// The service and the product tell: `Virtual Machines`, `Dsv5 Series DedicatedHost`, `Easv5 Series CloudServices`
    /// (recorded payloads of 2025, with and without the space).
    pub(super) fn of(item: &Item<'_>) -> Self {
        let product = item.product_name.as_deref().unwrap_or_default();
        let is = |words: [&str; 2]| words.iter().any(|word| product.contains(word));
        match item.service_name.as_deref().map(str::trim) {
            Some(MACHINES) if is(["Cloud Services", "CloudServices"]) => Self::Other,
            Some(MACHINES) if is(["Dedicated Host", "DedicatedHost"]) => Self::Host,
            Some(MACHINES) => Self::Virtual,
            _ => Self::Other,
        }
    }

    /// `Windows` or `Linux`. Azure has no field for it: the name of a product with Windows says so, and the same machine
    /// without a licence is what it charges for Linux. Licences of other systems are sold as `Virtual Machines Licenses`.
    pub(super) fn operating_system(self, item: &Item<'_>) -> Option<&'static str> {
        let is_windows = item.product_name.as_deref().is_some_and(|product| product.contains("Windows"));
        (self == Self::Virtual).then_some(if is_windows { "Windows" } else { "Linux" })
    }

    /// Who else is on the same hardware.
    pub(super) fn tenancy(self) -> Option<&'static str> {
        match self {
            Self::Virtual => Some("Shared"),
            Self::Host => Some("Host"),
            Self::Other => None,
        }
    }
}

/// Whether Azure may change the price as it likes and take the thing back.
pub(super) fn is_dynamic(item: &Item<'_>) -> bool {
    let ends = |name: &str| [" Spot", " Low Priority"].iter().any(|end| name.trim_end().ends_with(end));
    [&item.meter_name, &item.sku_name].into_iter().flatten().any(|name| ends(name))
}

/// Whether the price is for a whole term.
pub(super) fn is_reservation(price_type: &str) -> bool {
    price_type == RESERVATION
}

/// Whether the price is for developers and testers only.
pub(super) fn is_dev_test(price_type: &str) -> bool {
    price_type == DEV_TEST
}

/// The years of `1 Year`, `3 Years`, `10 Years`.
pub(super) fn years(term: &str) -> Option<i64> {
    let (number, unit) = term.trim().split_once(' ')?;
    let number = number.parse().ok().filter(|years| *years > 0)?;
    matches!(unit, "Year" | "Years").then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_a_number_of_years() {
        for (term, expected) in [("1 Year", Some(1)), ("3 Years", Some(3)), (" 10 Years ", Some(10))] {
            assert_eq!(years(term), expected, "{term}");
        }
        for odd in [
            "",
            "1",
            "Year",
            "1 Month",
            "0 Years",
            "-1 Years",
            "1.5 Years",
            "P1Y",
            "99999999999999999999 Years",
        ] {
            assert_eq!(years(odd), None, "{odd}");
        }
    }
}
