//! What an app asks for beside a task's name.

use bgfetch_wire::options::{TaskOptions, TaskOptionsError};
use bgfetch_wire::value::Seconds;
use serde_json::{Map, Value};
use std::time::Duration;

const MINIMUM_INTERVAL: &str = "minimumInterval";
const REQUIRES_NETWORK: &str = "requiresNetwork";
const REQUIRES_EXTERNAL_POWER: &str = "requiresExternalPower";
const REQUIRES_IDLE: &str = "requiresIdle";

/// What an app asks for beside a task's name: a floor and constraints of its own, and whatever it wants to be given
/// back by [`Registrations::task_options`](crate::Registrations::task_options).
///
/// All of it together is an object of JSON of at most 64 KiB. Members that are `null` are dropped, at any depth.
///
/// ```
/// use background_fetch::{Constraint, Options};
/// use std::time::Duration;
///
/// let options = Options::new()
///     .minimum_interval(Duration::from_secs(3600))
///     .require(Constraint::UnmeteredNetwork)
///     .with("folder", "archive");
/// assert_eq!(options.members()["minimumInterval"], 3600);
/// assert_eq!(options.members()["requiresNetwork"], "unmetered");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    members: Map<String, Value>,
}

/// A condition that must hold for a task to be run. A task whose constraint is not met stays due, and runs once it is.
///
/// A host that cannot tell whether it is met refuses the task with
/// [`ErrorCode::UnsupportedConstraint`](crate::ErrorCode::UnsupportedConstraint), since it would be held for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Constraint {
    /// The machine is online.
    AnyNetwork,
    /// The machine is online, and what it transfers costs nothing by volume.
    UnmeteredNetwork,
    /// The machine runs on mains, not on its battery.
    ExternalPower,
    /// Nobody uses the machine at present.
    Idle,
}

impl Options {
    /// No wishes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A floor for this task alone, in addition to the app's own: the least time between two runs of it.
    #[must_use]
    pub fn minimum_interval(self, interval: Duration) -> Self {
        let ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        // Seconds are finite, so they always have a form in JSON: whole ones without a fraction.
        let seconds = serde_json::to_value(Seconds::from_millis(ms)).unwrap_or_default();
        self.with(MINIMUM_INTERVAL, seconds)
    }

    /// One more condition that must hold. Of the two of the network the one required last counts.
    #[must_use]
    pub fn require(self, constraint: Constraint) -> Self {
        match constraint {
            Constraint::AnyNetwork => self.with(REQUIRES_NETWORK, "any"),
            Constraint::UnmeteredNetwork => self.with(REQUIRES_NETWORK, "unmetered"),
            Constraint::ExternalPower => self.with(REQUIRES_EXTERNAL_POWER, true),
            Constraint::Idle => self.with(REQUIRES_IDLE, true),
        }
    }

    /// One more member, of the app's own or one of the contract's that this version does not name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// The members as they are sent and given back.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub(crate) fn into_wire(self) -> Result<TaskOptions, TaskOptionsError> {
        TaskOptions::try_from(Value::Object(self.members))
    }
}

impl From<TaskOptions> for Options {
    fn from(options: TaskOptions) -> Self {
        Self { members: options.members().clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_seconds_whole_where_it_can_be() {
        let interval =
            |duration| Options::new().minimum_interval(duration).members[MINIMUM_INTERVAL].to_string();
        assert_eq!(interval(Duration::from_mins(15)), "900");
        assert_eq!(interval(Duration::from_millis(1_500)), "1.5");
        assert!(interval(Duration::MAX).parse::<f64>().is_ok_and(|seconds| seconds > 1e16), "and finite");
    }

    #[test]
    fn every_constraint_is_a_member_that_the_host_reads() {
        let options = Options::new().require(Constraint::ExternalPower).require(Constraint::Idle);
        let options = options.require(Constraint::AnyNetwork).into_wire().expect("small");
        let text = r#"{"requiresExternalPower":true,"requiresIdle":true,"requiresNetwork":"any"}"#;
        assert_eq!(options.to_json(), text);
    }
}
