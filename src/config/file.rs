//! Finds the configuration file and reads it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::environment::CONFIG_VARIABLE;
use super::error::Problem;
use super::{ConfigError, Inputs};

/// No honest configuration comes near this; `/dev/zero` does.
const LARGEST: u64 = 1 << 20;

/// The name of the file, in the working directory and in the user's configuration directory.
const NAME: &str = "contrail.toml";

/// A file that will be read.
#[derive(Debug)]
pub(super) struct Found {
    /// The path as the person wrote it, for messages.
    pub(super) shown: PathBuf,
    /// Who asked for it, when it was asked for by name.
    asked_by: Option<&'static str>,
}

#[cfg(any(test, fuzzing))]
impl Found {
    /// A file whose text is at hand.
    pub(super) fn named(shown: &str) -> Self {
        Self { shown: shown.into(), asked_by: None }
    }
}

/// Decides which file is read: `--config`, `CONTRAIL_CONFIG`, `./contrail.toml`, the user's own. `None`
/// when there is none. A file that was asked for by name must exist; [`read`] tells when it does not.
pub(super) fn find(inputs: &Inputs) -> Result<Option<Found>, ConfigError> {
    if let Some(path) = &inputs.path {
        return Ok(Some(Found { shown: path.clone(), asked_by: Some("--config") }));
    }
    let variable = |name: &str| inputs.environment.get(name).filter(|value| !value.is_empty());
    if let Some(path) = variable(CONFIG_VARIABLE) {
        return Ok(Some(Found { shown: path.into(), asked_by: Some(CONFIG_VARIABLE) }));
    }
    let home = || variable("HOME").map(|home| Path::new(home).join(".config"));
    let of_user = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let candidates = [Some(PathBuf::from(NAME)), of_user.map(|path| path.join("contrail").join(NAME))];
    for shown in candidates.into_iter().flatten() {
        match inputs.directory.join(&shown).try_exists() {
            Ok(true) => return Ok(Some(Found { shown, asked_by: None })),
            Ok(false) => {}
            Err(error) => return Err(unreadable(&shown, &error.to_string(), None)),
        }
    }
    Ok(None)
}

/// The text of the file; relative paths start at `directory`.
pub(super) fn read(found: &Found, directory: &Path) -> Result<String, ConfigError> {
    let fail = |reason: &str| unreadable(&found.shown, reason, found.asked_by);
    let file = File::open(directory.join(&found.shown)).map_err(|error| fail(&error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| fail(&error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(fail("it is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8 text"))
}

fn unreadable(path: &Path, reason: &str, asked_by: Option<&str>) -> ConfigError {
    let hint = match asked_by {
        Some(asker) => {
            format!("{asker} names this file: correct it, or write one with `contrail config example`")
        }
        None => "make the file readable, or name another with --config".to_owned(),
    };
    Problem::new(format!("failed to read the configuration {}: {reason}", path.display()))
        .with_hint(hint)
        .into()
}
