//! What fell due while the machine slept or was off starts once, with the number of intervals it missed.

use crate::desk::{Desk, minutes};
use bgfetch_core::{Hold, Span, TaskResult, WakeReason};

const APP: &str = "com.reader";
const ABSENT: WakeReason = WakeReason::Released { held: Hold::Absence };

#[test]
fn a_week_asleep_is_one_wake() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.suspend(Span::from_hours(24 * 7));
    let wake = desk.run(TaskResult::NoData);
    assert_eq!((wake.reason, wake.missed), (ABSENT, 7 * 24 * 4 - 1));
    assert_eq!(desk.wakes(), [], "no flood");
    assert_eq!(desk.earliest_in(APP), Some(minutes(15)));
}

#[test]
fn a_week_off_is_one_wake() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.pass(Span::from_hours(24 * 7));
    desk.restart();
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (ABSENT, 7 * 24 * 4 - 1));
}

#[test]
fn a_timer_a_little_late_is_no_absence() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.suspend(minutes(15).plus(Span::from_secs(2)));
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (WakeReason::Due, 0));
}

#[test]
fn whatever_is_heard_first_after_the_sleep_does_not_hide_it() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.pass(minutes(60));
    desk.floor(APP, Some(minutes(10)));
    assert_eq!(desk.wake().reason, ABSENT, "it was due long before its interval was shortened");
}

#[test]
fn a_shorter_interval_is_no_absence() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.floor(APP, Some(Span::from_hours(24)));
    desk.advance(Span::from_hours(12));
    desk.floor(APP, Some(minutes(15)));
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (WakeReason::Due, 0), "due by the new rule, held by nothing");
}
