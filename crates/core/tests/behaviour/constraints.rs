//! A task waits for its conditions, starts at the edge where the last of them comes true, and is stopped when one is
//! lost. A condition that nothing tells of is not met.

use crate::desk::{Desk, minutes, registration, waiting_for};
use bgfetch_core::{Constraint, Ending, Hold, Network, Power, Reason, StopReason, TaskResult, WakeReason};

const APP: &str = "com.reader";

fn desk_waiting_for(constraint: Constraint) -> Desk {
    let mut desk = Desk::new();
    desk.seen(APP);
    desk.register(APP, waiting_for("sync", constraint));
    desk.floor(APP, Some(minutes(15)));
    desk
}

#[test]
fn what_no_sensor_tells_holds_and_says_so() {
    let mut desk = desk_waiting_for(Constraint::ExternalPower);
    desk.advance(minutes(60));
    assert_eq!(desk.why(APP), Reason::Unsensed { constraint: Constraint::ExternalPower });
    assert_eq!(desk.scheduler.poll_timeout(), None, "no time changes that");
}

#[test]
fn it_starts_at_the_edge_with_what_it_missed() {
    let mut desk = desk_waiting_for(Constraint::UnmeteredNetwork);
    desk.device(|device| device.network = Network::Metered);
    desk.advance(minutes(60));
    assert_eq!(desk.why(APP), Reason::Unmet { constraint: Constraint::UnmeteredNetwork });
    desk.device(|device| device.power = Power::External);
    assert_eq!(desk.wakes(), [], "another edge");
    desk.device(|device| device.network = Network::Unmetered);
    let wake = desk.wake();
    assert_eq!((wake.reason, wake.missed), (WakeReason::Released { held: Hold::Constraint }, 3));
}

#[test]
fn before_it_is_due_the_interval_is_the_reason() {
    let desk = desk_waiting_for(Constraint::Idle);
    assert_eq!(desk.why(APP), Reason::Floor { floor: minutes(15) });
}

#[test]
fn a_condition_lost_on_the_way_stops_the_wake_and_keeps_the_task_due() {
    let mut desk = desk_waiting_for(Constraint::AnyNetwork);
    desk.device(|device| device.network = Network::Metered);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.device(|device| device.network = Network::Offline);
    assert_eq!(desk.stops(), [(wake.id, StopReason::Constraint(Constraint::AnyNetwork))]);
    assert_eq!(desk.told(), ["stopping: there is no longer a network"]);
    desk.end(wake.id, Ending::Stopped);
    assert_eq!(desk.outcome(APP), "stopped (there is no longer a network)");
    assert_eq!(desk.verdict(APP).failures, 0);
    desk.device(|device| device.network = Network::Unmetered);
    assert_eq!(desk.wake().reason, WakeReason::Released { held: Hold::Constraint });
}

#[test]
fn a_task_that_has_answered_needs_its_condition_no_longer() {
    let mut desk = desk_waiting_for(Constraint::AnyNetwork);
    desk.register(APP, registration("tidy"));
    desk.device(|device| device.network = Network::Unmetered);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.answer(&wake, "sync", TaskResult::NewData);
    desk.device(|device| device.network = Network::Offline);
    assert_eq!(desk.stops(), [], "`tidy` asked for no network");
}

#[test]
fn a_task_without_conditions_does_not_wait_for_its_siblings() {
    let mut desk = desk_waiting_for(Constraint::Idle);
    desk.register(APP, registration("tidy"));
    desk.advance(minutes(15));
    let wake = desk.run(TaskResult::NoData);
    assert_eq!(wake.tasks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["tidy"]);
    let waits: Vec<_> = desk.verdict(APP).tasks.iter().map(|task| task.reason.code()).collect();
    assert_eq!(waits, ["floor", "floor"], "the app's interval holds both");
}

#[test]
fn the_edge_releases_a_task_although_its_sibling_waits_for_time() {
    let mut desk = desk_waiting_for(Constraint::AnyNetwork);
    desk.device(|device| device.network = Network::Offline);
    desk.register(APP, bgfetch_core::Registration { floor: Some(minutes(600)), ..registration("tidy") });
    desk.advance(minutes(30));
    assert_eq!(desk.why(APP).code(), "floor", "the soonest that can come by itself");
    desk.device(|device| device.network = Network::Metered);
    assert_eq!(desk.wake().reason, WakeReason::Released { held: Hold::Constraint }, "nobody was away");
}
