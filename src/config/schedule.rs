//! When a source is crawled: at an interval, or as a cron expression says.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;
use croner::parser::{CronParser, Seconds};

use super::check::{anything, between};
use super::section::Section;
use super::setting::textual;
use crate::base::units::Period;

/// When a source is crawled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Once in each period.
    Every(Period),
    /// At the times of a cron expression.
    Cron(Cron),
}

impl Schedule {
    /// The shortest and the longest interval.
    const SHORTEST: Period = Period::seconds(60);
    const LONGEST: Period = Period::seconds(366 * 86_400);

    /// Reads `every` and `cron`, of which the stronger layer wins; within one layer only one may be given.
    pub(super) fn read(section: &mut Section<'_, '_>, default: Period) -> Self {
        let hint = format!("leave it out for the default, every {default}");
        let check = between(Self::SHORTEST, Self::LONGEST);
        let (every, every_origin) = section.given::<Period>("every", check, &hint);
        let (cron, cron_origin) = section.given::<Cron>("cron", anything, &hint);
        if every.is_some() && cron.is_some() && every_origin.same_layer(&cron_origin) {
            let predicate = "cannot be given beside every: they answer the same question";
            section.wrong("cron", &cron_origin, predicate, "keep one of the two");
        }
        let cron = cron.filter(|_| cron_origin.strength() >= every_origin.strength());
        let every = if cron.is_some() { None } else { Some(every.unwrap_or(default)) };
        section.note_optional("every", every.as_ref(), every_origin);
        section.note_optional("cron", cron.as_ref(), cron_origin);
        cron.map_or(Self::Every(every.unwrap_or(default)), Self::Cron)
    }
}

/// A cron expression of six fields (second, minute, hour, day, month, weekday) that is read in UTC, comes round
/// again, and at most once a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron(String);

/// The text is no cron expression that can be a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cron expression of six fields")]
pub struct CronError;

impl Cron {
    /// The expression, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        // As the scheduler will read it.
        let parser = CronParser::builder().seconds(Seconds::Required).dom_and_dow(true).build();
        let cron = parser.parse(text).map_err(|_| CronError)?;
        let once_a_minute = text.split_whitespace().next().is_some_and(|second| second.parse::<u8>().is_ok());
        // From the epoch on, so that the answer never depends on the day: the 30th of February never comes.
        if !once_a_minute || cron.find_next_occurrence(&DateTime::UNIX_EPOCH, false).is_err() {
            return Err(CronError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

textual!(
    Cron,
    "a cron expression of six fields (second, minute, hour, day, month, weekday; UTC) with one second, such as \"0 12 * * * *\""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_fields_are_read() {
        for text in ["0 12 * * * *", "30 0 */6 * * MON-FRI", "0 0 0 1 1 *"] {
            assert_eq!(text.parse::<Cron>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        let wrong = [
            "",
            "12 * * * *",     // five fields: which one is missing?
            "* * * * * *",    // every second
            "*/10 0 * * * *", // six times in the first minute of each hour
            "0 61 * * * *",
            "0 0 0 30 2 *", // the 30th of February
            "hourly",
        ];
        for text in wrong {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }
}
