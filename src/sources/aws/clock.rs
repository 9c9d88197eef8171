//! Whether this machine has the time of AWS. With another one a window would be fetched before it is over, or be given
//! up while it can still be had, and the lake would say what is not so. AWS itself refuses requests that are signed at
//! another time, but the SDK signs by the time of AWS once it has been refused.

use chrono::TimeDelta;

use crate::base::units::Period;
use crate::sources::{FetchError, FetchErrorKind};

/// What mends it.
pub(super) const CLOCK_HINT: &str =
    "set this machine's clock: AWS accepts a difference of five minutes at most";

/// The difference that AWS accepts.
pub(super) const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Nothing, if this machine is ahead of `server` by no more than AWS accepts, or behind it.
///
/// # Errors
///
/// The clock is wrong, which people must mend.
pub fn in_step(skew: TimeDelta, server: &str) -> Result<(), FetchError> {
    if skew.abs() <= TOLERANCE {
        return Ok(());
    }
    let apart = Period::seconds(skew.num_seconds().unsigned_abs());
    let side = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let message = format!("this machine's clock is {apart} {side} {server}: what to fetch cannot be told");
    Err(FetchError::new(FetchErrorKind::Config, message).with_hint(CLOCK_HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_five_minutes_are_too_many_either_way() {
        for (seconds, told) in [
            (0, None),
            (300, None),
            (-300, None),
            (
                345_600,
                Some("this machine's clock is 4d ahead of EC2 in eu-west-1: what to fetch cannot be told"),
            ),
            (
                -301,
                Some("this machine's clock is 301s behind EC2 in eu-west-1: what to fetch cannot be told"),
            ),
        ] {
            let error = in_step(TimeDelta::seconds(seconds), "EC2 in eu-west-1").err();
            assert_eq!(error.as_ref().map(ToString::to_string).as_deref(), told);
            assert!(error.is_none_or(|error| error.kind == FetchErrorKind::Config));
        }
    }
}
