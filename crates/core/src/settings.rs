//! The numbers a host runs by. All have a default, a source, and a place in `host.toml`.

use crate::time::Span;

/// The numbers a host runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a wake may take, in awake time. Apple: "up to 30 seconds of wall-clock time".
    pub limit: Span,
    /// How long before the limit an app is told that it is expiring.
    pub warning: Span,
    /// How long after the limit an app that was asked to end may take before it is killed.
    pub grace: Span,
    /// How long a headless app may stay after its last answer (EXPO-SEMANTICS row 87: 1 s).
    pub linger: Span,
    /// The shortest minimum interval: a smaller one counts as this one.
    pub interval_min: Span,
    /// The wait after a first failure. `WorkManager`: `DEFAULT_BACKOFF_DELAY_MILLIS`, 30 s.
    pub back_off_first: Span,
    /// The longest wait after failures. `WorkManager`: `MAX_BACKOFF_MILLIS`, 5 h.
    pub back_off_max: Span,
    /// How many wakes may run at a time, all apps together.
    pub wakes_max: u32,
    /// How many tasks one app may register.
    pub tasks_max: u32,
    /// How many apps a host may know.
    pub apps_max: u32,
}

impl Settings {
    /// `asked` as it counts: never below [`Settings::interval_min`].
    pub fn interval(&self, asked: Span) -> Span {
        asked.max(self.interval_min)
    }

    /// The first number that is out of its range or does not fit another, and what is allowed, in the words of
    /// `host.toml`; `None` if all fit.
    pub fn misfit(&self) -> Option<String> {
        let hour = Span::from_hours(1);
        let spans = [
            ("limit", self.limit, Span::from_millis(100), Span::from_hours(24)),
            ("warning", self.warning, Span::ZERO, self.limit),
            ("grace", self.grace, Span::ZERO, hour),
            ("linger", self.linger, Span::ZERO, hour),
            ("interval-min", self.interval_min, Span::from_millis(100), Span::from_hours(24 * 365)),
            ("back-off-first", self.back_off_first, Span::from_millis(100), self.back_off_max),
        ];
        let span = spans.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value));
        if let Some((name, value, least, most)) = span {
            return Some(format!("`{name}` is {value}: expected {least} to {most}"));
        }
        let counts =
            [("wakes-max", self.wakes_max), ("tasks-max", self.tasks_max), ("apps-max", self.apps_max)];
        let zero = counts.into_iter().find(|(_, count)| *count == 0);
        zero.map(|(name, _)| format!("`{name}` is 0: expected 1 or more"))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limit: Span::from_secs(30),
            warning: Span::from_secs(5),
            grace: Span::from_secs(2),
            linger: Span::from_secs(1),
            interval_min: Span::from_mins(1),
            back_off_first: Span::from_secs(30),
            back_off_max: Span::from_hours(5),
            wakes_max: 4,
            tasks_max: 256,
            apps_max: 1_000_000,
        }
    }
}
