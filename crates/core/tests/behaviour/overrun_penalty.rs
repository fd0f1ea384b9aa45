//! A wake that overran its limit makes the interval count twice, then four and eight times; one that did not heals it.

use crate::desk::{Desk, minutes};
use bgfetch_core::{Ending, Reason, TaskResult};

const APP: &str = "com.reader";

#[test]
fn the_interval_counts_two_four_and_eight_times() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    for (forced, factor) in [(false, 2), (true, 4), (true, 8), (false, 8)] {
        let wake = desk.wake();
        desk.end(wake.id, Ending::Limit { forced });
        assert_eq!(desk.outcome(APP), if forced { "killed" } else { "expired" });
        assert_eq!(desk.why(APP), Reason::Penalty { floor: minutes(15), factor });
        let wait = minutes(15).times(u64::from(factor));
        assert_eq!(desk.earliest_in(APP), Some(wait));
        desk.advance(wait);
    }
    desk.run(TaskResult::NoData);
    assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) }, "healed");
}

#[test]
fn a_failure_in_time_heals_it_too() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.end(wake.id, Ending::Limit { forced: true });
    desk.advance(minutes(30));
    desk.run(TaskResult::Failed);
    assert_eq!((desk.verdict(APP).overruns, desk.verdict(APP).failures), (0, 2));
}

#[test]
fn answers_that_came_before_the_limit_save_the_wake() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.answer(&wake, "sync", TaskResult::NewData);
    desk.end(wake.id, Ending::Limit { forced: true });
    assert_eq!((desk.outcome(APP), desk.verdict(APP).overruns), ("new data".to_owned(), 0));
}
