//! What could not be decoded: counted, and told as far as a person wants to read it. It holds up nothing.

use std::fmt;

/// How many are told of one object.
const TOLD: usize = 5;
/// How much of a reason is told: it may quote an upstream.
const SHOWN: usize = 200;
/// The place of what is wrong with an object as a whole: it was not read to its end.
pub const PAYLOAD: &str = "payload";

/// A piece of a raw object that no table has, or has with a value that is unknown for this reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The key of the object.
    pub object: String,
    /// Where in it: `line 17`, `rate ABC.DEF.GHI`; [`PAYLOAD`] for all of it.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.object, self.place, self.reason)
    }
}

/// The problems of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    object: String,
    count: u64,
    is_cut: bool,
    told: Vec<Problem>,
}

impl Problems {
    /// Of the object under `key`.
    pub fn of(key: impl fmt::Display) -> Self {
        Self { object: key.to_string(), ..Self::default() }
    }

    /// Takes note of one.
    pub fn note(&mut self, place: impl fmt::Display, reason: impl fmt::Display) {
        let place = place.to_string();
        self.count += 1;
        self.is_cut |= place == PAYLOAD;
        if self.told.len() < TOLD {
            let object = self.object.clone();
            let reason = reason.to_string().chars().take(SHOWN).map(plain).collect();
            self.told.push(Problem { object, place, reason });
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether the object was not read to its end, so that what it seems to lack may well be in it.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The first of them.
    pub fn told(&self) -> &[Problem] {
        &self.told
    }
}

/// What an upstream says could otherwise talk to the terminal.
fn plain(character: char) -> char {
    if character.is_control() { '\u{fffd}' } else { character }
}
