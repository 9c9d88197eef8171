//! Conditions on rows, told in a way that whole row groups and pages can be ruled out by their bounds. Pure.

use super::columns::Row;
use crate::base::Time;

/// What rows must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The text is one of these.
    OneOf {
        /// The column.
        column: &'static str,
        /// The texts.
        values: Vec<String>,
    },
    /// The moment is known, and lies from the first on and before the second.
    Within {
        /// The column.
        column: &'static str,
        /// The first moment; `None` without one.
        from: Option<Time>,
        /// The first moment after; `None` without one.
        before: Option<Time>,
    },
}

impl Condition {
    /// The text is this one.
    pub fn is(column: &'static str, value: &str) -> Self {
        Self::OneOf { column, values: vec![value.to_owned()] }
    }

    /// The column that is looked at.
    pub fn column(&self) -> &'static str {
        match self {
            Self::OneOf { column, .. } | Self::Within { column, .. } => column,
        }
    }

    /// Whether the row is wanted.
    pub(super) fn admits(&self, row: &Row<'_>) -> bool {
        match self {
            Self::OneOf { column, values } => {
                row.text(column).is_some_and(|text| values.iter().any(|value| value == text))
            }
            Self::Within { column, from, before } => row.moment(column).is_some_and(|time| {
                from.is_none_or(|from| from <= time) && before.is_none_or(|before| time < before)
            }),
        }
    }

    /// Whether a text from `least` to `greatest`, which may be shortened bounds, could be wanted.
    pub(super) fn may_admit_text(&self, least: &[u8], greatest: &[u8]) -> bool {
        let Self::OneOf { values, .. } = self else { return true };
        values.iter().any(|value| (least..=greatest).contains(&value.as_bytes()))
    }

    /// Whether a moment from `least` to `greatest`, in microseconds since 1970, could be wanted.
    pub(super) fn may_admit_moment(&self, least: i64, greatest: i64) -> bool {
        let Self::Within { from, before, .. } = self else { return true };
        from.is_none_or(|from| from.timestamp_micros() <= greatest)
            && before.is_none_or(|before| least <= before.timestamp_micros())
    }

    /// The texts that are wanted; `None` where it is no question of texts.
    pub(super) fn texts(&self) -> Option<&[String]> {
        match self {
            Self::OneOf { values, .. } => Some(values),
            Self::Within { .. } => None,
        }
    }
}
