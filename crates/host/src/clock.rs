//! The only place that reads a clock.
//!
//! The elapsed line of [`bgfetch_core::Elapsed`] is made of `CLOCK_BOOTTIME`, which counts suspended time, and is
//! carried over a restart: within one boot by that clock itself, over a reboot by the difference the wall clock shows.

use crate::store::ClockRow;
use bgfetch_core::{Elapsed, Now, Span, Wall};
use rustix::time::{ClockId, clock_gettime};

/// More than this was never slept through: a wall clock that claims it is wrong, and a year is as due as ten.
const AWAY_MAX: Span = Span::from_hours(24 * 365);

/// How old what the store knows of the clocks may become while the host writes to it.
///
/// Within a boot nothing depends on it: the boot clock itself carries the line on. Writing it with every commit would
/// cost each of them a page.
pub(crate) const WRITTEN_MS_MAX: u64 = 1_000;

/// The least time between two boots: longer than [`WRITTEN_MS_MAX`], so that the line never goes back behind a point that
/// was written, whatever the wall clock says; and no machine starts faster.
const REBOOT_MIN: Span = Span::from_secs(2);

/// What the machine's clocks show, read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Which boot of the machine this is, where that can be told.
    pub(crate) boot_id: Option<String>,
    /// Milliseconds since boot, suspended time included.
    pub(crate) boot_ms: u64,
    /// The wall clock.
    pub(crate) wall: Wall,
}

/// Where the elapsed line stands against the machine's clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    boot_id: Option<String>,
    /// A point on the line…
    elapsed: Elapsed,
    /// … and what the boot clock showed there.
    boot_ms: u64,
    /// What the wall clock showed when the host before this one was last alive, if the clock stood before that when
    /// this one began: then nobody knows how long the machine was off until the clock is set right.
    unbridged: Option<Wall>,
}

/// Reads the clocks.
pub(crate) fn sample() -> Sample {
    Sample { boot_id: boot_id(), boot_ms: boot_ms(), wall: wall() }
}

/// By how much the two clocks may seem to differ because one was read after the other, in milliseconds.
const READING_MS_MAX: u64 = 50;

impl Sample {
    /// The wall clock less the boot clock, in milliseconds.
    pub(crate) fn wall_offset_ms(&self) -> i64 {
        self.wall.as_millis().saturating_sub_unsigned(self.boot_ms)
    }

    /// The same moment with the clocks as far apart as they were known to be, unless one was set: so a moment of the
    /// past is shown the same whenever it is looked at.
    pub(crate) fn with_offset(mut self, wall_offset_ms: i64) -> Self {
        if self.wall_offset_ms().abs_diff(wall_offset_ms) <= READING_MS_MAX {
            self.wall = Wall::from_millis(wall_offset_ms.saturating_add_unsigned(self.boot_ms));
        }
        self
    }
}

#[cfg(target_os = "linux")]
fn boot_ms() -> u64 {
    millis(clock_gettime(ClockId::Boottime)).unsigned_abs()
}

/// macOS counts sleep in `CLOCK_MONOTONIC`.
#[cfg(not(target_os = "linux"))]
fn boot_ms() -> u64 {
    millis(clock_gettime(ClockId::Monotonic)).unsigned_abs()
}

fn wall() -> Wall {
    Wall::from_millis(millis(clock_gettime(ClockId::Realtime)))
}

fn millis(time: rustix::time::Timespec) -> i64 {
    time.tv_sec.saturating_mul(1_000).saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    static BOOT_ID: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    BOOT_ID.get_or_init(|| read().map(|id| id.trim().to_owned())).clone()
}

/// Nothing tells here: every start of a host is bridged by the wall clock.
#[cfg(not(target_os = "linux"))]
fn boot_id() -> Option<String> {
    None
}

impl Timeline {
    /// The line, continued from where the store last saw it.
    pub(crate) fn resume(previous: Option<&ClockRow>, sample: &Sample) -> Self {
        let (boot_id, boot_ms) = (sample.boot_id.clone(), sample.boot_ms);
        let Some(previous) = previous else {
            return Self { boot_id, elapsed: Elapsed::ZERO, boot_ms, unbridged: None };
        };
        let same_boot = sample.boot_id.as_deref() == Some(previous.boot_id.as_str());
        if same_boot && boot_ms >= previous.boot_ms {
            let away = Span::from_millis(boot_ms - previous.boot_ms);
            return Self { boot_id, elapsed: previous.elapsed.plus(away), boot_ms, unbridged: None };
        }
        let away = sample.wall.since(previous.wall).clamp(REBOOT_MIN, AWAY_MAX);
        let unbridged = (sample.wall < previous.wall).then_some(previous.wall);
        Self { boot_id, elapsed: previous.elapsed.plus(away), boot_ms, unbridged }
    }

    /// The present.
    pub(crate) fn now(&self, sample: &Sample) -> Now {
        let since = Span::from_millis(sample.boot_ms.saturating_sub(self.boot_ms));
        Now { elapsed: self.elapsed.plus(since), wall: sample.wall }
    }

    /// What the store keeps of the present.
    pub(crate) fn row(&self, sample: &Sample) -> ClockRow {
        ClockRow {
            boot_id: self.boot_id.clone().unwrap_or_default(),
            boot_ms: sample.boot_ms,
            elapsed: self.now(sample).elapsed,
            wall: sample.wall,
        }
    }

    /// What the boot clock shows at `elapsed`.
    pub(crate) fn boot_ms_at(&self, elapsed: Elapsed) -> u64 {
        self.boot_ms.saturating_add(elapsed.since(self.elapsed).as_millis())
    }

    /// Takes in that the wall clock was set, and tells how long the machine is now known to have been off before
    /// this host began, beyond what was known then.
    pub(crate) fn clock_set(&mut self, sample: &Sample) -> Span {
        let Some(last_alive) = self.unbridged.filter(|last_alive| *last_alive < sample.wall) else {
            return Span::ZERO;
        };
        let running = Span::from_millis(sample.boot_ms.saturating_sub(self.boot_ms));
        let off = sample.wall.since(last_alive.plus(running)).min(AWAY_MAX);
        self.unbridged = None;
        self.elapsed = self.elapsed.plus(off);
        off
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_of(boot_id: &str, boot_ms: u64, wall_ms: i64) -> Sample {
        Sample { boot_id: Some(boot_id.to_owned()), boot_ms, wall: Wall::from_millis(wall_ms) }
    }

    fn row(boot_id: &str, boot_ms: u64, elapsed_ms: u64, wall_ms: i64) -> ClockRow {
        let (elapsed, wall) = (Elapsed::from_millis(elapsed_ms), Wall::from_millis(wall_ms));
        ClockRow { boot_id: boot_id.to_owned(), boot_ms, elapsed, wall }
    }

    fn resumed_at(previous: &ClockRow, sample: &Sample) -> u64 {
        Timeline::resume(Some(previous), sample).now(sample).elapsed.as_millis()
    }

    #[test]
    fn within_one_boot_only_the_boot_clock_counts() {
        let before = row("a", 5_000, 70_000, 1_000_000);
        for wall_ms in [1_003_000, 0, 900_000_000_000] {
            assert_eq!(resumed_at(&before, &sample_of("a", 8_000, wall_ms)), 73_000);
        }
    }

    #[test]
    fn a_reboot_is_bridged_by_the_wall_clock() {
        let before = row("a", 5_000, 70_000, 1_000_000);
        assert_eq!(resumed_at(&before, &sample_of("b", 10, 1_600_000)), 670_000);
    }

    #[test]
    fn a_clock_that_is_years_ahead_counts_for_one_year() {
        let before = row("a", 5_000, 0, 0);
        let sample = sample_of("b", 10, 400_000_000_000_000);
        assert_eq!(resumed_at(&before, &sample), AWAY_MAX.as_millis());
    }

    #[test]
    fn a_clock_that_lost_its_time_is_bridged_once_it_is_set_right() {
        let before = row("a", 5_000, 70_000, 1_000_000);
        let start = sample_of("b", 10, 0);
        let mut line = Timeline::resume(Some(&before), &start);
        assert_eq!(line.now(&start).elapsed.as_millis(), 72_000);
        // 2 s after the start the clock is set; the machine was off from 1 000 s to 1 600 s.
        let right = sample_of("b", 2_010, 1_602_000);
        assert_eq!(line.clock_set(&right), Span::from_millis(600_000));
        assert_eq!(line.now(&right).elapsed.as_millis(), 674_000);
        assert_eq!(line.clock_set(&right), Span::ZERO, "once");
    }

    #[test]
    fn clocks_read_one_after_another_are_as_far_apart_as_ever() {
        let known = sample_of("a", 5_000, 1_000_000).wall_offset_ms();
        let late = sample_of("a", 6_000, 1_001_003).with_offset(known);
        assert_eq!(late, sample_of("a", 6_000, 1_001_000));
        let set = sample_of("a", 6_000, 1_002_000);
        assert_eq!(set.clone().with_offset(known), set);
    }

    #[test]
    fn the_real_clocks_move_forward() {
        let first = sample();
        let second = sample();
        assert!(second.boot_ms >= first.boot_ms);
        assert!(second.wall > Wall::from_millis(1_600_000_000_000), "{:?}", second.wall);
    }
}
