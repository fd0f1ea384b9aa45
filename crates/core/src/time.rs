//! Time as core knows it: an argument, on two lines that are never mixed.
//!
//! [`Elapsed`] runs with real time, suspend and time switched off included, and never goes back: every interval is
//! measured on it. [`Wall`] is what the user's clock shows, may jump either way, and is used only where a person
//! named a time of day (a pause until six) and to date the journal.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A point on the host's elapsed line, in milliseconds since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Elapsed(u64);

/// A point on the wall clock, in milliseconds since 1970-01-01T00:00:00Z; negative before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u64);

/// The present, sampled once by the host for each input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Where the elapsed line stands.
    pub elapsed: Elapsed,
    /// What the wall clock shows.
    pub wall: Wall,
}

impl Elapsed {
    /// The start of the line.
    pub const ZERO: Self = Self(0);

    /// The point `ms` milliseconds after the start of the line.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the start of the line.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The point `span` later, at most the end of the line.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Wall {
    /// The point `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The point `span` later.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Self) -> Span {
        if self.0 <= earlier.0 { Span::ZERO } else { Span(self.0.abs_diff(earlier.0)) }
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any life: 2^64 − 1 ms.
    pub const MAX: Self = Self(u64::MAX);

    /// `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// `s` seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000))
    }

    /// `min` minutes.
    pub const fn from_mins(min: u64) -> Self {
        Self::from_secs(min.saturating_mul(60))
    }

    /// `h` hours.
    pub const fn from_hours(h: u64) -> Self {
        Self::from_mins(h.saturating_mul(60))
    }

    /// In milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// In whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }

    /// `factor` times as long.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// This and `other` together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Now {
    /// When `wall` will be, on the elapsed line, if the clock is not set before; now, if it is past.
    pub const fn elapsed_at(self, wall: Wall) -> Elapsed {
        self.elapsed.plus(wall.since(self.wall))
    }

    /// What the wall clock will show at `elapsed`, if it is not set before; now, if it is past.
    pub const fn wall_at(self, elapsed: Elapsed) -> Wall {
        self.wall.plus(elapsed.since(self.elapsed))
    }
}

/// Whole words a person reads at a glance: `45 s`, `15 min`, `2 h 30 min`, `3 d 4 h`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
        if self.0 < 10_000 && !self.0.is_multiple_of(1_000) {
            return write!(f, "{}.{} s", self.0 / 1_000, self.0 % 1_000 / 100);
        }
        let mut rest = self.as_secs();
        let Some(first) = UNITS.iter().position(|(unit, _)| rest >= *unit) else {
            return f.write_str("0 s");
        };
        let (unit, word) = UNITS[first];
        write!(f, "{} {word}", rest / unit)?;
        rest %= unit;
        match UNITS.get(first + 1) {
            Some((unit, word)) if rest >= *unit => write!(f, " {} {word}", rest / unit),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_in_whole_words() {
        let cases = [
            (0, "0 s"),
            (300, "0.3 s"),
            (1_500, "1.5 s"),
            (45_000, "45 s"),
            (900_000, "15 min"),
            (930_000, "15 min 30 s"),
            (9_000_000, "2 h 30 min"),
            (273_600_000, "3 d 4 h"),
            (259_200_000, "3 d"),
        ];
        for (ms, text) in cases {
            assert_eq!(Span::from_millis(ms).to_string(), text);
        }
    }

    #[test]
    fn no_point_leaves_its_line() {
        assert_eq!(Elapsed(5).since(Elapsed(9)), Span::ZERO);
        assert_eq!(Elapsed(u64::MAX).plus(Span::from_secs(1)), Elapsed(u64::MAX));
        assert_eq!(Wall(i64::MAX).plus(Span::MAX), Wall(i64::MAX));
        assert_eq!(Wall(i64::MAX).since(Wall(i64::MIN)), Span::MAX);
    }

    #[test]
    fn a_wall_time_is_found_on_the_elapsed_line_and_back() {
        let now = Now { elapsed: Elapsed(1_000), wall: Wall(50_000) };
        assert_eq!(now.elapsed_at(Wall(52_000)), Elapsed(3_000));
        assert_eq!(now.elapsed_at(Wall(0)), Elapsed(1_000));
        assert_eq!(now.wall_at(Elapsed(4_000)), Wall(53_000));
    }
}
