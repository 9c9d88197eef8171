//! Reads one section, key by key: typed, checked, noted. What is wrong is noted too, and the default stands in
//! for it, so that one load tells everything that is wrong.

use toml::Value;

use super::Problem;
use super::check::{Checked, anything, between};
use super::error::{did_you_mean, quoted};
use super::layers::{Entry, Layers, Origin};
use super::secret::{HIDDEN, Secret};
use super::setting::{Given, Setting, must_be};

/// The longest secret that a file may hold, in bytes.
const LONGEST_SECRET: u64 = 64 << 10;

/// One section of the layers.
#[derive(Debug)]
pub(super) struct Section<'l, 'i> {
    layers: &'l mut Layers<'i>,
    name: &'static str,
}

impl<'l, 'i> Section<'l, 'i> {
    pub(super) fn new(layers: &'l mut Layers<'i>, name: &'static str) -> Self {
        Self { layers, name }
    }

    /// The value of `key`, else its default.
    pub(super) fn value<T: Setting>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl Fn(&T) -> Checked,
    ) -> T {
        let hint = format!("leave it out for the default, {}", default.shown());
        let (value, origin) = self.given(key, check, &hint);
        let value = value.unwrap_or(default);
        self.note(key, Some(value.shown()), origin);
        value
    }

    /// The whole number at `key`, else its default; `least` and `most` are included.
    pub(super) fn number<T>(&mut self, key: &'static str, default: T, least: u32, most: u32) -> T
    where
        T: Copy + TryFrom<i64>,
        i64: TryFrom<T>,
    {
        let written = i64::try_from(default).unwrap_or_default();
        let value = self.value(key, written, between(i64::from(least), i64::from(most)));
        T::try_from(value).unwrap_or(default)
    }

    /// The value of `key`, where it may be unset.
    pub(super) fn optional<T: Setting>(
        &mut self,
        key: &'static str,
        check: impl Fn(&T) -> Checked,
    ) -> Option<T> {
        let (value, origin) = self.given(key, check, "leave it out to have it unset");
        self.note(key, value.as_ref().map(Setting::shown), origin);
        value
    }

    /// The value of `key` and where it came from, not noted yet. `None` when nobody gave one or it is wrong.
    pub(super) fn given<T: Setting>(
        &mut self,
        key: &'static str,
        check: impl Fn(&T) -> Checked,
        hint: &str,
    ) -> (Option<T>, Origin) {
        let Some((origin, given)) = self.layers.take(self.name, key) else { return (None, Origin::Default) };
        let checked = match T::read(&given) {
            Some(value) => check(&value).map(|()| value),
            None => Err(must_be(T::EXPECTED, given.shown())),
        };
        match checked {
            Ok(value) => (Some(value), origin),
            Err(predicate) => {
                self.wrong(key, &origin, &predicate, hint);
                (None, origin)
            }
        }
    }

    /// Notes what `key` came to.
    pub(super) fn note(&mut self, key: &'static str, value: Option<Value>, origin: Origin) {
        self.layers.entries.push(Entry { section: self.name, key, value, origin });
    }

    /// [`Self::note`] for a value that may be unset, or beaten by another key.
    pub(super) fn note_optional<T: Setting>(&mut self, key: &'static str, value: Option<&T>, origin: Origin) {
        let origin = if value.is_some() { origin } else { Origin::Default };
        self.note(key, value.map(Setting::shown), origin);
    }

    /// Notes that what `origin` gave for `key` cannot stand: `predicate` is for instance `must be …, not …`.
    pub(super) fn wrong(&mut self, key: &str, origin: &Origin, predicate: &str, hint: &str) {
        let problem = Problem::new(format!("{origin}: {}.{key} {predicate}", self.name)).with_hint(hint);
        self.layers.fault(origin, problem);
    }

    /// Notes that `key` and `other`, both read before, cannot stand beside each other; the one that somebody gave
    /// is to blame.
    pub(super) fn at_odds(&mut self, key: &str, other: &str, predicate: &str, hint: &str) {
        let (origin, other) = (self.origin(key), self.origin(other));
        let origin = if origin == Origin::Default { other } else { origin };
        self.wrong(key, &origin, predicate, hint);
    }

    /// Notes that `key`, read before, works but should be looked at.
    pub(super) fn warn(&mut self, key: &str, predicate: &str, hint: &str) {
        let message = format!("{}: {}.{key} {predicate}", self.origin(key), self.name);
        self.layers.warnings.push(Problem::new(message).with_hint(hint));
    }

    fn origin(&self, key: &str) -> Origin {
        let noted = self.layers.entries.iter().find(|entry| entry.section == self.name && entry.key == key);
        noted.map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// The secret at `key`: literal text, or a reference `{ env = "…" }` or `{ file = "…" }` that is resolved
    /// here. `check` must not repeat the value; where it answers `true`, a literal in the file is warned about.
    pub(super) fn secret(
        &mut self,
        key: &'static str,
        check: impl Fn(&str) -> Result<bool, String>,
    ) -> Option<Secret> {
        let (origin, given) = self.layers.take(self.name, key).unzip();
        let origin = origin.unwrap_or(Origin::Default);
        let resolved = given.map(|given| self.resolve(given)).and_then(|resolved| {
            let checked =
                resolved.and_then(|(value, literal)| check(&value).map(|warn| (value, literal && warn)));
            checked
                .map_err(|predicate| {
                    self.wrong(
                        key,
                        &origin,
                        &predicate,
                        "write for example { env = \"NAME\" } or { file = \"path\" }",
                    );
                })
                .ok()
        });
        let in_file = matches!(origin, Origin::File { .. });
        self.note(key, resolved.is_some().then(|| Value::String(HIDDEN.to_owned())), origin);
        let (value, warn) = resolved?;
        if warn && in_file {
            let hint = "write { env = \"NAME\" } or { file = \"path\" } instead";
            self.warn(key, "is a secret, written out in the file", hint);
        }
        Some(Secret::new(value))
    }

    /// The secret itself, and whether it was literal.
    fn resolve(&self, given: Given) -> Result<(String, bool), String> {
        let table = match given {
            Given::Text(text) if text.trim_start().starts_with('{') => {
                text.parse::<Value>().map_err(|_| "is no reference that can be read".to_owned())?
            }
            Given::Text(text) | Given::Toml(Value::String(text)) => return Ok((text, true)),
            Given::Toml(value) => value,
        };
        let reference =
            table.as_table().filter(|table| table.len() == 1).and_then(|table| table.iter().next());
        match reference {
            Some((kind, Value::String(name))) if kind == "env" => {
                match self.layers.inputs.environment.get(name) {
                    Some(value) if !value.is_empty() => Ok((value.clone(), false)),
                    _ => {
                        Err(format!("refers to the environment variable {}, which is not set", quoted(name)))
                    }
                }
            }
            Some((kind, Value::String(path))) if kind == "file" => {
                self.read_secret(path).map(|text| (text, false))
            }
            Some((kind, _)) if kind != "env" && kind != "file" => Err(format!(
                "has the unknown reference {}: {}",
                quoted(kind),
                did_you_mean(kind, &["env", "file"])
            )),
            _ => Err("must be a string or a reference".to_owned()),
        }
    }

    fn read_secret(&self, path: &str) -> Result<String, String> {
        use std::io::Read as _;

        let fail =
            |reason: String| format!("refers to the file {}, which cannot be read: {reason}", quoted(path));
        let file = std::fs::File::open(self.layers.inputs.directory.join(path));
        let mut text = String::new();
        file.and_then(|file| file.take(LONGEST_SECRET + 1).read_to_string(&mut text))
            .map_err(|error| fail(error.to_string()))?;
        if text.len() as u64 > LONGEST_SECRET {
            return Err(fail("it is larger than 64 KiB".to_owned()));
        }
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// An address that is shown, and therefore carries no credentials.
    pub(super) fn address(&mut self, key: &'static str) -> Option<String> {
        self.optional(key, super::check::base_url)
    }

    /// Whether something is on.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.value(key, default, anything)
    }
}
