//! Small values with one form on the wire.

use serde::{Deserialize, Serialize, Serializer};
use std::path::{Path, PathBuf};

/// A path that means the same wherever the host was started.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "PathBuf", into = "PathBuf")]
pub struct AbsolutePath(PathBuf);

/// Why a path is not an [`AbsolutePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path `{}` is not absolute: expected a form like `/home/you/app/app.json`", .0.display())]
pub struct NotAbsolute(pub PathBuf);

/// A length of time in seconds, whole or not, always finite; negative is allowed here and means zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize)]
#[serde(try_from = "f64")]
pub struct Seconds(f64);

/// Why a number is not [`Seconds`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the number {0} is not finite: expected seconds")]
pub struct NotFinite(pub f64);

/// How a task ended, in the numbers of `BackgroundFetch.Result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum FetchResult {
    /// 1: there was nothing new.
    NoData,
    /// 2: there was.
    NewData,
    /// 3: the task failed.
    Failed,
}

/// Whether the app may work in the background, in the numbers of `BackgroundFetch.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Status {
    /// 1: the user switched it off, for this app or for all.
    Denied,
    /// 2: it is unavailable and the user cannot enable it.
    Restricted,
    /// 3: it may.
    Available,
}

/// A number that stands for nothing in its enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number {found} is not a {noun}: expected {allowed}")]
pub struct NotListed {
    /// What came.
    pub found: u8,
    /// What it should be.
    pub noun: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
}

/// The type of a task. Open, since a newer host may list types that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TaskType {
    /// `backgroundFetch`.
    BackgroundFetch,
    /// Any other.
    Other(String),
}

/// Where the app was when its task was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AppState {
    /// It was already running, and was called where it is.
    Active,
    /// The host started it for this wake.
    Background,
}

/// Why now, why not yet, or why stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub text: String,
}

impl AbsolutePath {
    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The path, owned.
    pub fn into_path(self) -> PathBuf {
        self.0
    }
}

impl TryFrom<PathBuf> for AbsolutePath {
    type Error = NotAbsolute;

    fn try_from(path: PathBuf) -> Result<Self, NotAbsolute> {
        if path.is_absolute() { Ok(Self(path)) } else { Err(NotAbsolute(path)) }
    }
}

impl From<AbsolutePath> for PathBuf {
    fn from(path: AbsolutePath) -> Self {
        path.0
    }
}

impl Seconds {
    /// The seconds.
    pub const fn as_f64(self) -> f64 {
        self.0
    }

    /// Whole milliseconds; zero for less than nothing, the largest number for what is beyond it.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, as said")]
    pub fn as_millis(self) -> u64 {
        (self.0 * 1000.0).round() as u64
    }

    /// Seconds from whole milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 ms, 285 000 years, a second does not matter")]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms as f64 / 1000.0)
    }
}

impl TryFrom<f64> for Seconds {
    type Error = NotFinite;

    fn try_from(seconds: f64) -> Result<Self, NotFinite> {
        if seconds.is_finite() { Ok(Self(seconds)) } else { Err(NotFinite(seconds)) }
    }
}

impl Serialize for Seconds {
    /// Whole seconds have no `.0`, as JavaScript writes them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_possible_truncation, reason = "the guard leaves only exact whole numbers")]
        if self.0.fract() == 0.0 && self.0.abs() < 9_007_199_254_740_992.0 {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl TryFrom<u8> for FetchResult {
    type Error = NotListed;

    fn try_from(number: u8) -> Result<Self, NotListed> {
        match number {
            1 => Ok(Self::NoData),
            2 => Ok(Self::NewData),
            3 => Ok(Self::Failed),
            found => {
                Err(NotListed { found, noun: "result", allowed: "1 (NoData), 2 (NewData) or 3 (Failed)" })
            }
        }
    }
}

impl From<FetchResult> for u8 {
    fn from(result: FetchResult) -> Self {
        match result {
            FetchResult::NoData => 1,
            FetchResult::NewData => 2,
            FetchResult::Failed => 3,
        }
    }
}

impl TryFrom<u8> for Status {
    type Error = NotListed;

    fn try_from(number: u8) -> Result<Self, NotListed> {
        match number {
            1 => Ok(Self::Denied),
            2 => Ok(Self::Restricted),
            3 => Ok(Self::Available),
            found => Err(NotListed {
                found,
                noun: "status",
                allowed: "1 (Denied), 2 (Restricted) or 3 (Available)",
            }),
        }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> Self {
        match status {
            Status::Denied => 1,
            Status::Restricted => 2,
            Status::Available => 3,
        }
    }
}

impl From<String> for TaskType {
    fn from(text: String) -> Self {
        if text == "backgroundFetch" { Self::BackgroundFetch } else { Self::Other(text) }
    }
}

impl From<TaskType> for String {
    fn from(task_type: TaskType) -> Self {
        match task_type {
            TaskType::BackgroundFetch => "backgroundFetch".to_owned(),
            TaskType::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_milliseconds_without_surprises() {
        let ms = |seconds: f64| Seconds::try_from(seconds).expect("finite").as_millis();
        assert_eq!([ms(-5.0), ms(0.0), ms(0.0015), ms(900.0), ms(1e300)], [0, 0, 2, 900_000, u64::MAX]);
        assert!(Seconds::try_from(f64::NAN).is_err());
    }

    #[test]
    fn a_fraction_is_read_as_it_was_written() {
        let seconds = Seconds(-504_972_097.503_804_45);
        let text = serde_json::to_string(&seconds).expect("a number");
        assert_eq!(serde_json::from_str::<Seconds>(&text).expect("the same"), seconds);
    }

    #[test]
    fn seconds_are_written_as_javascript_writes_them() {
        let text = |seconds: f64| serde_json::to_string(&Seconds(seconds)).expect("a number");
        assert_eq!([text(900.0), text(0.5), text(-1.0)], ["900", "0.5", "-1"]);
    }
}
