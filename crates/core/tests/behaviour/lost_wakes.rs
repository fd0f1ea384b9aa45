//! A wake that was running when its host died is lost: ended once, counted as a failure, and its floor stands.

use crate::desk::{Desk, app, minutes};
use bgfetch_core::{Ending, Input, Outcome, Reason, Span, TaskResult};

const APP: &str = "com.reader";

#[test]
fn it_ends_as_lost_once_and_backs_off() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.pass(Span::from_secs(5));
    desk.restart();
    assert_eq!(desk.store.ended[&wake.id], Outcome::Lost);
    assert_eq!((desk.verdict(APP).failures, desk.verdict(APP).overruns), (1, 0));
    assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) });
    desk.restart();
    assert_eq!((desk.verdict(APP).failures, desk.store.ended.len()), (1, 1), "once");
}

#[test]
fn there_is_nothing_left_of_it_to_stop() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    // The host dies between saving the force-quit and stopping the wake for it.
    desk.crash_in(Input::ForceQuit(app(APP)), 1);
    assert_eq!((desk.stops(), desk.why(APP)), (vec![], Reason::ForceQuit));
    assert_eq!(desk.store.ended[&wake.id], Outcome::Lost);
}

#[test]
fn a_crash_never_wakes_before_the_floor() {
    // At whatever point of the outputs of a wake's end the host dies: one outcome, and the floor holds.
    for performed in 0..10 {
        let mut desk = Desk::with_apps(&[APP]);
        desk.advance(minutes(15));
        let wake = desk.wake();
        desk.answer(&wake, "sync", TaskResult::NewData);
        desk.pass(Span::from_secs(1));
        desk.crash_in(Input::WakeEnded { wake: wake.id, ending: Ending::Gone }, performed);
        assert_eq!(desk.store.ended.len(), 1, "after {performed} outputs");
        assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) }, "after {performed} outputs");
    }
}

#[test]
fn one_whose_app_is_not_known_any_more_still_ends() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.store.apps.clear();
    desk.restart();
    assert_eq!(desk.store.ended[&wake.id], Outcome::Lost);
}
