//! The plan of what goes wrong, as people write it: `throttle=5%,reset=1%,slow=200ms,unstable_order`.

use std::fmt;
use std::str::FromStr;

use super::market::draw::Draw;
use crate::base::error::Hinted;
use crate::base::units::Period;

/// What goes wrong, and how often. Read from text with [`FromStr`], shown the same way; the default is nothing.
///
/// | fault | what happens |
/// |---|---|
/// | `throttle=5%` | EC2 answers 503 `RequestLimitExceeded`, Azure 429 with its retry-after header, the price list and the Spot Instance Advisor 503 |
/// | `reset=1%` | the TCP connection is reset, before the answer or in the middle of it |
/// | `truncate=1%` | the connection ends before the promised Content-Length is there |
/// | `slow=200ms` | each answer waits this long |
/// | `unstable_order` | Azure's pages repeat and drop rows; any two walks in a row are complete together |
/// | `stale_index` | the price list's indexes name a newest version whose files answer 404 |
/// | `token_loop` | EC2's NextToken repeats |
/// | `offsite_link` | Azure's NextPageLink points to another host |
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each fault is on or off by itself")]
pub struct Faults {
    pub(crate) throttle: Share,
    pub(crate) reset: Share,
    pub(crate) truncate: Share,
    pub(crate) slow: Option<Period>,
    pub(crate) unstable_order: bool,
    pub(crate) stale_index: bool,
    pub(crate) token_loop: bool,
    pub(crate) offsite_link: bool,
}

/// How often a fault strikes, in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share(u64);

const WHOLE: u64 = 10_000;
const KNOWN: [&str; 8] = [
    "throttle=5%",
    "reset=1%",
    "truncate=1%",
    "slow=200ms",
    "unstable_order",
    "stale_index",
    "token_loop",
    "offsite_link",
];

/// The text is no plan of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultsError {
    /// There is no such fault.
    #[error("unknown fault {name:?}; did you mean {nearest:?}? (known: {})", known_names())]
    Unknown {
        /// As it was written.
        name: String,
        /// The known name that is most like it.
        nearest: &'static str,
    },
    /// The fault takes another kind of value.
    #[error("fault {name:?} cannot be {value:?}; write {example}")]
    Value {
        /// The fault.
        name: &'static str,
        /// As it was written; empty when there was none.
        value: String,
        /// The fault with a value that fits.
        example: &'static str,
    },
}

impl Hinted for FaultsError {
    fn hint(&self) -> Option<&str> {
        Some("separate faults by commas, for example throttle=5%,reset=1%,slow=200ms,unstable_order")
    }
}

fn name_of(example: &'static str) -> &'static str {
    example.split('=').next().unwrap_or(example)
}

fn known_names() -> String {
    KNOWN.map(name_of).join(", ")
}

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// Nothing.
    None,
    /// Too many requests.
    Throttle,
    /// A reset: before the answer, or after this share (in permille) of it.
    Reset(Option<u64>),
    /// The body ends after this share of it, in permille.
    Truncate(u64),
}

impl Faults {
    /// What meets the request numbered `request`: a pure function of the plan, `seed` and that number.
    pub(crate) fn strike(&self, seed: Draw, request: u64) -> Strike {
        let draw = seed.text("faults").at(request);
        let hit = |name: &str, share: Share| draw.text(name).below(WHOLE) < share.0;
        let part = draw.text("part");
        if hit("throttle", self.throttle) {
            Strike::Throttle
        } else if hit("reset", self.reset) {
            Strike::Reset(part.permille(500).then(|| part.at(1).below(1_000)))
        } else if hit("truncate", self.truncate) {
            Strike::Truncate(part.at(1).below(1_000))
        } else {
            Strike::None
        }
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (part, None),
            };
            let Some(example) = KNOWN.into_iter().find(|known| name_of(known) == name) else {
                return Err(unknown(name));
            };
            let wrong = || FaultsError::Value {
                name: name_of(example),
                value: value.unwrap_or_default().to_owned(),
                example,
            };
            let flag = || if value.is_none() { Ok(true) } else { Err(wrong()) };
            let share = || value.and_then(Share::parse).ok_or_else(wrong);
            match name {
                "throttle" => faults.throttle = share()?,
                "reset" => faults.reset = share()?,
                "truncate" => faults.truncate = share()?,
                "slow" => faults.slow = Some(value.and_then(|value| value.parse().ok()).ok_or_else(wrong)?),
                "unstable_order" => faults.unstable_order = flag()?,
                "stale_index" => faults.stale_index = flag()?,
                "token_loop" => faults.token_loop = flag()?,
                "offsite_link" => faults.offsite_link = flag()?,
                _ => return Err(unknown(name)),
            }
        }
        Ok(faults)
    }
}

fn unknown(name: &str) -> FaultsError {
    let likeness = |known: &&'static str| strsim::jaro_winkler(name, known);
    let nearest = KNOWN
        .map(name_of)
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .unwrap_or_default();
    FaultsError::Unknown { name: name.chars().take(80).collect(), nearest }
}

impl Share {
    /// `5%`, `0.25%`: at most 100 %, in steps of a hundredth of a percent.
    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = match text.strip_suffix('%')?.trim().split_once('.') {
            Some((whole, part)) => (whole, part),
            None => (text.strip_suffix('%')?.trim(), ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) {
            return None;
        }
        let share =
            whole.parse::<u64>().ok()?.checked_mul(100)? + format!("{part:0<2}").parse::<u64>().ok()?;
        (share <= WHOLE).then_some(Self(share))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) => {
                let part = format!("{part:02}");
                write!(f, "{whole}.{}%", part.trim_end_matches('0'))
            }
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (name, share) in [("throttle", self.throttle), ("reset", self.reset), ("truncate", self.truncate)]
        {
            if share.0 > 0 {
                parts.push(format!("{name}={share}"));
            }
        }
        parts.extend(self.slow.map(|slow| format!("slow={}", slow.to_string().replace(' ', ""))));
        for (name, on) in [
            ("unstable_order", self.unstable_order),
            ("stale_index", self.stale_index),
            ("token_loop", self.token_loop),
            ("offsite_link", self.offsite_link),
        ] {
            if on {
                parts.push(name.to_owned());
            }
        }
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plan_reads_back_as_it_is_shown() {
        let text = "throttle=5%,reset=1%,truncate=0.25%,slow=200ms,unstable_order,stale_index,token_loop,offsite_link";
        let faults: Faults = text.parse().unwrap();
        assert_eq!(faults.to_string(), text);
        assert_eq!(Faults::default().to_string(), "");
        assert_eq!("".parse::<Faults>().unwrap(), Faults::default());
        assert_eq!(
            " slow = 1m 5s , token_loop,".parse::<Faults>().unwrap().to_string(),
            "slow=1m5s,token_loop"
        );
    }

    #[test]
    fn an_unknown_fault_is_named_with_the_known_ones_and_the_nearest() {
        let error = "trottle=5%".parse::<Faults>().unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with(r#"unknown fault "trottle"; did you mean "throttle"?"#), "{text}");
        assert!(text.contains("throttle, reset, truncate, slow, unstable_order"), "{text}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_an_example() {
        for text in
            ["throttle", "throttle=5", "throttle=101%", "reset=x%", "slow=fast", "slow", "token_loop=1"]
        {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            let name = text.split('=').next().unwrap();
            assert!(error.contains("; write ") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn strikes_come_as_often_as_planned_and_the_same_each_time() {
        let faults: Faults = "throttle=5%,reset=2%,truncate=1%".parse().unwrap();
        let strikes = |seed| -> Vec<Strike> {
            (0..20_000).map(|request| faults.strike(Draw::seeded(seed), request)).collect()
        };
        assert_eq!(strikes(1), strikes(1));
        assert_ne!(strikes(1), strikes(2));
        let share = |wanted: fn(&Strike) -> bool| strikes(1).iter().filter(|strike| wanted(strike)).count();
        assert!((900..1_100).contains(&share(|strike| matches!(strike, Strike::Throttle))));
        assert!((320..440).contains(&share(|strike| matches!(strike, Strike::Reset(_)))));
        assert!((140..250).contains(&share(|strike| matches!(strike, Strike::Truncate(_)))));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
            if let Ok(faults) = text.parse::<Faults>() {
                prop_assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
            }
        }
    }
}
