//! What a host knows of its machine, and what a task may ask of it.
//!
//! A value that no sensor tells is *unknown*, and an unknown condition is never taken as met.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Where the machine's power comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// No sensor tells.
    #[default]
    Unknown,
    /// The mains, or a charger.
    External,
    /// A battery.
    Battery,
}

/// How the machine is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// No sensor tells.
    #[default]
    Unknown,
    /// Not at all.
    Offline,
    /// By a link that costs by the byte.
    Metered,
    /// By a link that does not.
    Unmetered,
}

/// Whether somebody uses the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// No sensor tells.
    #[default]
    Unknown,
    /// Somebody does.
    Active,
    /// Nobody does.
    Idle,
}

/// The machine's state, as far as its host can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Where the power comes from.
    pub power: Power,
    /// How the machine is connected.
    pub network: Network,
    /// Whether somebody uses it.
    pub presence: Presence,
}

/// A condition that must hold for a task to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// External power.
    ExternalPower,
    /// A network of any kind.
    AnyNetwork,
    /// A network that does not cost by the byte.
    UnmeteredNetwork,
    /// Nobody at the machine.
    Idle,
}

/// Whether a constraint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// No sensor tells.
    Unknown,
}

impl Device {
    /// Whether `constraint` holds on this device now.
    pub fn meets(&self, constraint: Constraint) -> Met {
        let (known, met) = match constraint {
            Constraint::ExternalPower => (self.power != Power::Unknown, self.power == Power::External),
            Constraint::AnyNetwork => (self.network != Network::Unknown, self.network != Network::Offline),
            Constraint::UnmeteredNetwork => {
                (self.network != Network::Unknown, self.network == Network::Unmetered)
            }
            Constraint::Idle => (self.presence != Presence::Unknown, self.presence == Presence::Idle),
        };
        match (known, met) {
            (false, _) => Met::Unknown,
            (true, true) => Met::Yes,
            (true, false) => Met::No,
        }
    }
}

/// What the task waits for, to stand after "waiting for".
impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExternalPower => "external power",
            Self::AnyNetwork => "a network",
            Self::UnmeteredNetwork => "an unmetered network",
            Self::Idle => "an idle machine",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_condition_is_not_met() {
        let all = [
            Constraint::ExternalPower,
            Constraint::AnyNetwork,
            Constraint::UnmeteredNetwork,
            Constraint::Idle,
        ];
        for constraint in all {
            assert_eq!(Device::default().meets(constraint), Met::Unknown);
        }
    }

    #[test]
    fn a_metered_link_is_a_network_but_not_an_unmetered_one() {
        let device = Device { network: Network::Metered, ..Device::default() };
        assert_eq!(device.meets(Constraint::AnyNetwork), Met::Yes);
        assert_eq!(device.meets(Constraint::UnmeteredNetwork), Met::No);
    }
}
