//! The layers that settings come from, and the reading of one section through all of them: the highest layer
//! that gives a key wins, and every key is noted with its origin.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::environment::{CONFIG_VARIABLE, LOG_VARIABLE, PREFIX, SEPARATOR, variable};
use super::error::{did_you_mean, nearest};
use super::file::Found;
use super::section::Section;
use super::setting::Given;
use super::{ConfigError, Inputs, Problem};

/// The sections that hold keys.
const SECTIONS: [&str; 11] = [
    "lake",
    "aws",
    "http",
    "crawler",
    "tables",
    "server",
    "sources.aws_spot_prices",
    "sources.aws_price_list",
    "sources.aws_savings_plans",
    "sources.aws_spot_advisor",
    "sources.azure_retail_prices",
];

/// Where a value came from, from weakest to strongest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody gave one.
    Default,
    /// The configuration file.
    File {
        /// The file as the person named it.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A flag, as typed.
    Flag(String),
}

impl Origin {
    /// Whether both are in the same layer.
    pub(super) fn same_layer(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// A higher number wins.
    pub(super) fn strength(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Flag(_) => 3,
        }
    }

    fn line(&self) -> usize {
        if let Self::File { line, .. } = self { *line } else { usize::MAX }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A known key, its value and where that came from.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The section, `lake` or `sources.aws_spot_prices`.
    pub section: &'static str,
    /// The key within it.
    pub key: &'static str,
    /// The value as it would stand in the file, a secret as [`HIDDEN`](super::secret::HIDDEN); `None` when the key is unset.
    pub value: Option<toml::Value>,
    /// Where the value came from; [`Origin::Default`] when the key is unset.
    pub origin: Origin,
}

impl Entry {
    /// Section and key: `lake.url`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

/// Section and key.
type Address = (String, String);

/// What was given, by layer, and what has been read of it.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    pub(super) inputs: &'a Inputs,
    /// Values by address, strongest last. Reading takes them out, so what stays is unknown.
    given: BTreeMap<Address, Vec<(Origin, Given)>>,
    pub(super) entries: Vec<Entry>,
    problems: Vec<(usize, Problem)>,
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Layers<'a> {
    /// The variables and flags of `inputs`. A variable that is empty counts as not set.
    pub(super) fn new(inputs: &'a Inputs) -> Self {
        let mut layers = Self {
            inputs,
            given: BTreeMap::new(),
            entries: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        for (name, value) in &inputs.environment {
            let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains(SEPARATOR)) else {
                continue;
            };
            if !value.is_empty() {
                let path = path.replace(SEPARATOR, ".").to_ascii_lowercase();
                layers.give(&path, Origin::Environment(name.clone()), Given::Text(value.clone()));
            }
        }
        for flag in &inputs.flags {
            layers.give(flag.key, Origin::Flag(flag.name.to_owned()), Given::Text(flag.value.clone()));
        }
        layers
    }

    fn give(&mut self, path: &str, origin: Origin, value: Given) {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.give_at(section, key, origin, value);
    }

    fn give_at(&mut self, section: &str, key: &str, origin: Origin, value: Given) {
        let values = self.given.entry((section.to_owned(), key.to_owned())).or_default();
        values.push((origin, value));
        values.sort_by_key(|(origin, _)| origin.strength());
    }

    /// Adds what the file says. An error when it is no TOML; unknown tables are noted.
    pub(super) fn add_file(&mut self, found: &Found, text: &str) -> Result<(), ConfigError> {
        let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        let at = |line| Origin::File { path: found.shown.clone(), line };
        let table = DeTable::parse(text).map_err(|error| {
            // Its own Display repeats the line of the file, which may hold a secret.
            let line = line_of(error.span().map_or(0, |span| span.start));
            Problem::new(format!("{}: {}", at(line), error.message()))
                .with_hint("the file must be TOML; see `contrail config example`")
        })?;
        self.add_table("", table.into_inner(), &|offset| at(line_of(offset)));
        Ok(())
    }

    fn add_table(&mut self, section: &str, table: DeTable<'_>, at: &dyn Fn(usize) -> Origin) {
        for (key, value) in table {
            let origin = at(key.span().start);
            let key = key.into_inner();
            if SECTIONS.contains(&section) {
                match toml::Value::deserialize(ValueDeserializer::from(value)) {
                    Ok(value) => self.give_at(section, &key, origin, Given::Toml(value)),
                    Err(error) => {
                        let message =
                            format!("{origin}: {section}.{key} cannot be read: {}", error.message());
                        self.fault(&origin, Problem::new(message));
                    }
                }
                continue;
            }
            let path = if section.is_empty() { key.into_owned() } else { format!("{section}.{key}") };
            let below = format!("{path}.");
            if SECTIONS.iter().any(|known| *known == path || known.starts_with(&below)) {
                if let DeValue::Table(table) = value.into_inner() {
                    self.add_table(&path, table, at);
                    continue;
                }
                let problem = Problem::new(format!("{origin}: {path} must be a section, not a value"))
                    .with_hint("write its keys below a line [section]; see `contrail config example`");
                self.fault(&origin, problem);
            } else {
                let problem = Problem::new(format!("{origin}: unknown section [{path}]"))
                    .with_hint(did_you_mean(&path, &SECTIONS));
                self.fault(&origin, problem);
            }
        }
    }

    /// What the strongest layer gives for `key`; what weaker ones give is passed over.
    pub(super) fn take(&mut self, section: &str, key: &str) -> Option<(Origin, Given)> {
        self.given.remove(&(section.to_owned(), key.to_owned()))?.pop()
    }

    /// The section by that name, to be read key by key.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_, 'a> {
        debug_assert!(SECTIONS.contains(&name), "{name} is not listed");
        Section::new(self, name)
    }

    /// Every key that was read and every warning; an error when anything was wrong or is left over.
    pub(super) fn finish(mut self) -> Result<(Vec<Entry>, Vec<Problem>), ConfigError> {
        for ((section, key), values) in std::mem::take(&mut self.given) {
            for (origin, _) in values {
                let problem = self.unknown(&section, &key, &origin);
                self.fault(&origin, problem);
            }
        }
        self.warn_about_single_underscores();
        if self.problems.is_empty() {
            return Ok((self.entries, self.warnings));
        }
        self.problems.sort_by_key(|(line, _)| *line);
        Err(ConfigError { problems: self.problems.into_iter().map(|(_, problem)| problem).collect() })
    }

    fn unknown(&self, section: &str, key: &str, origin: &Origin) -> Problem {
        if let Origin::Environment(name) = origin {
            let names: Vec<String> =
                self.entries.iter().map(|entry| variable(entry.section, entry.key)).collect();
            let hint = match nearest(unprefixed(name), names.iter().map(|name| unprefixed(name))) {
                Some(near) => format!("did you mean {PREFIX}{near}?"),
                None => format!("variables are named {PREFIX}<SECTION>{SEPARATOR}<KEY>"),
            };
            return Problem::new(format!("unknown setting in the environment: {name}")).with_hint(hint);
        }
        let known: Vec<&str> =
            self.entries.iter().filter(|entry| entry.section == section).map(|entry| entry.key).collect();
        Problem::new(format!("{origin}: unknown key \"{}\" in [{section}]", key.escape_debug()))
            .with_hint(did_you_mean(key, &known))
    }

    /// `CONTRAIL_LAKE_URL` is the slip that everybody makes once.
    fn warn_about_single_underscores(&mut self) {
        for name in self.inputs.environment.keys().filter(|name| name.starts_with(PREFIX)) {
            if name.contains(SEPARATOR) || [CONFIG_VARIABLE, LOG_VARIABLE].contains(&name.as_str()) {
                continue;
            }
            let meant = self.entries.iter().map(|entry| variable(entry.section, entry.key));
            if let Some(meant) = meant.into_iter().find(|variable| variable.replace(SEPARATOR, "_") == *name)
            {
                let problem = Problem::new(format!("{name} in the environment sets nothing"));
                self.warnings.push(problem.with_hint(format!("did you mean {meant}?")));
            }
        }
    }

    /// Notes that something is wrong with what `origin` gave.
    pub(super) fn fault(&mut self, origin: &Origin, problem: Problem) {
        self.problems.push((origin.line(), problem));
    }
}

/// What tells two of our variables apart.
fn unprefixed(variable: &str) -> &str {
    variable.strip_prefix(PREFIX).unwrap_or(variable)
}
