//! `host.toml`: the numbers a host runs by. Everything has a default; unknown members are refused.

use crate::duration;
use crate::launch::Wanted;
use crate::store::Keep;
use bgfetch_core::{Settings, Span};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The largest configuration, in bytes.
const CONFIG_BYTES_MAX: usize = 1 << 20;

/// How a host runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The scheduler's numbers.
    pub settings: Settings,
    /// How much of the past is kept.
    pub keep: Keep,
    /// Which containment is wanted.
    pub containment: Wanted,
}

/// Why a configuration can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can not be read.
    #[error("the configuration `{}` can not be read: {source}", path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too large.
    #[error("the configuration `{}` is larger than {CONFIG_BYTES_MAX} bytes", .0.display())]
    TooLarge(PathBuf),
    /// It is not TOML, or a member is unknown or has the wrong form.
    #[error("the configuration `{}` is broken: {detail}", path.display())]
    Broken {
        /// Where.
        path: PathBuf,
        /// What, with its line.
        detail: String,
    },
    /// A number is out of its range, or two do not fit together.
    #[error("the configuration `{}`: {detail}", path.display())]
    Range {
        /// Where.
        path: PathBuf,
        /// Which, and what is allowed.
        detail: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct File {
    limit: Option<Length>,
    warning: Option<Length>,
    grace: Option<Length>,
    linger: Option<Length>,
    interval_min: Option<Length>,
    back_off_first: Option<Length>,
    back_off_max: Option<Length>,
    wakes_max: Option<u32>,
    tasks_max: Option<u32>,
    apps_max: Option<u32>,
    containment: Option<Word>,
    journal_age: Option<Length>,
    journal_rows_per_app: Option<u32>,
    outputs_per_app: Option<u32>,
}

/// A length of time in words.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
struct Length(Span);

impl TryFrom<String> for Length {
    type Error = duration::DurationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        duration::parse(&text).map(Self)
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Auto,
    Namespace,
    Cgroup,
    Shepherd,
}

impl Default for Config {
    fn default() -> Self {
        Self { settings: Settings::default(), keep: Keep::default(), containment: Wanted::Auto }
    }
}

impl Config {
    /// Reads the configuration at `path`; a file that is not there means every default.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) if text.len() > CONFIG_BYTES_MAX => Err(ConfigError::TooLarge(path.to_owned())),
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)
            .map_err(|error| ConfigError::Broken { path: path.to_owned(), detail: error.to_string() })?;
        let config = file.into_config();
        match config.settings.misfit() {
            Some(detail) => Err(ConfigError::Range { path: path.to_owned(), detail }),
            None => Ok(config),
        }
    }
}

impl File {
    fn into_config(self) -> Config {
        let base = Config::default();
        let or = |length: Option<Length>, default: Span| length.map_or(default, |length| length.0);
        let settings = Settings {
            limit: or(self.limit, base.settings.limit),
            warning: or(self.warning, base.settings.warning),
            grace: or(self.grace, base.settings.grace),
            linger: or(self.linger, base.settings.linger),
            interval_min: or(self.interval_min, base.settings.interval_min),
            back_off_first: or(self.back_off_first, base.settings.back_off_first),
            back_off_max: or(self.back_off_max, base.settings.back_off_max),
            wakes_max: self.wakes_max.unwrap_or(base.settings.wakes_max),
            tasks_max: self.tasks_max.unwrap_or(base.settings.tasks_max),
            apps_max: self.apps_max.unwrap_or(base.settings.apps_max),
        };
        let keep = Keep {
            journal_age: or(self.journal_age, base.keep.journal_age),
            journal_rows_per_app: self.journal_rows_per_app.unwrap_or(base.keep.journal_rows_per_app),
            outputs_per_app: self.outputs_per_app.unwrap_or(base.keep.outputs_per_app),
        };
        let containment = match self.containment.unwrap_or(Word::Auto) {
            Word::Auto => Wanted::Auto,
            Word::Namespace => Wanted::Namespace,
            Word::Cgroup => Wanted::Cgroup,
            Word::Shepherd => Wanted::Shepherd,
        };
        Config { settings, keep, containment }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(Path::new("host.toml"), text)
    }

    #[test]
    fn every_member_is_optional() {
        assert_eq!(parse("").expect("empty").settings, Settings::default());
        let config =
            parse("limit = '3s'\nwarning = '1s'\nwakes-max = 2\ncontainment = 'shepherd'").expect("good");
        assert_eq!(config.settings.limit, Span::from_secs(3));
        assert_eq!(config.settings.wakes_max, 2);
        assert_eq!(config.containment, Wanted::Shepherd);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("limt = '3s'", "unknown field `limt`"),
            ("limit = 3", "invalid type"),
            ("limit = 'soon'", "`soon` is not a length of time"),
            ("limit = '0s'", "`limit` is 0 s"),
            ("limit = '3s'\nwarning = '5s'", "`warning` is 5 s"),
            ("wakes-max = 0", "`wakes-max` is 0"),
            ("back-off-first = '2h'\nback-off-max = '1h'", "`back-off-first` is 2 h"),
        ];
        for (text, words) in cases {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(words) && error.contains("host.toml"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_means_the_defaults() {
        let config = Config::read(Path::new("/nonexistent/host.toml")).expect("defaults");
        assert_eq!(config.settings, Settings::default());
    }
}
