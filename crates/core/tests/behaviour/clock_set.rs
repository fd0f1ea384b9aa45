//! The wall clock may be set either way. Intervals do not care; a pause until a time of day follows the clock.

use crate::desk::{Desk, minutes};
use bgfetch_core::{Input, Reason, Span, TaskResult};

const APP: &str = "com.reader";

#[test]
fn an_interval_neither_shrinks_nor_grows() {
    for step in [i64::from(i32::MAX), -i64::from(i32::MAX)] {
        let mut desk = Desk::with_apps(&[APP]);
        desk.advance(minutes(5));
        let wall = bgfetch_core::Wall::from_millis(desk.now.wall.as_millis() + step);
        desk.set_wall(wall);
        assert_eq!((desk.wakes(), desk.earliest_in(APP)), (vec![], Some(minutes(10))));
        desk.advance(minutes(10));
        assert_eq!(desk.run(TaskResult::NoData).missed, 0, "nothing lost, nothing flooded");
    }
}

#[test]
fn a_pause_ends_at_once_when_the_clock_is_set_past_it() {
    let mut desk = Desk::with_apps(&[APP]);
    let until = desk.now.wall.plus(Span::from_hours(6));
    desk.say(Input::Paused { app: None, until: Some(until) });
    desk.advance(Span::from_hours(1));
    desk.set_wall(until);
    assert_eq!(desk.wake().reason.code(), "released");
}

#[test]
fn a_pause_lasts_longer_when_the_clock_is_set_back() {
    let mut desk = Desk::with_apps(&[APP]);
    let began = desk.now.wall;
    let until = began.plus(Span::from_hours(6));
    desk.say(Input::Paused { app: None, until: Some(until) });
    desk.advance(Span::from_hours(5));
    desk.set_wall(began);
    assert_eq!(desk.earliest_in(APP), Some(Span::from_hours(6)));
    desk.advance(Span::from_hours(5));
    assert_eq!(desk.why(APP), Reason::Paused { until });
    desk.advance(Span::from_hours(1));
    assert_eq!(desk.wakes().len(), 1);
}

#[test]
fn a_clock_that_drifts_without_a_word_costs_a_call_and_no_loop() {
    let mut desk = Desk::with_apps(&[APP]);
    let until = desk.now.wall.plus(minutes(60));
    desk.say(Input::Paused { app: None, until: Some(until) });
    desk.pass(minutes(60));
    // The clock was slewed by three seconds on the way: it is not quite that late yet.
    desk.now.wall = bgfetch_core::Wall::from_millis(until.as_millis() - 3_000);
    desk.say(Input::DeadlineReached);
    assert_eq!(desk.earliest_in(APP), Some(Span::from_secs(3)));
    desk.advance(Span::from_secs(3));
    assert_eq!(desk.wakes().len(), 1);
}
