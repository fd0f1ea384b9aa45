//! A host that can not write its store begins nothing that it could not record, says so, and goes on when it can.

use crate::desk::{Desk, minutes, registration};
use bgfetch_core::{Ending, Input, Reason, Status, StopReason, TaskResult};

const APP: &str = "com.reader";

#[test]
fn it_holds_everything_until_it_can_be_written() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.store.writable = false;
    desk.restart();
    assert_eq!((desk.why(APP), desk.status(APP)), (Reason::StoreUnwritable, Status::Available));
    desk.advance(minutes(60));
    assert_eq!((desk.wakes(), desk.scheduler.poll_timeout()), (vec![], None));
    desk.store.writable = true;
    desk.say(Input::StoreWritable);
    let wake = desk.wake();
    assert_eq!((wake.reason.code(), wake.missed), ("released", 3));
}

#[test]
fn a_wake_that_ran_through_it_goes_on_where_it_was() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.register(APP, registration("second"));
    desk.advance(minutes(15));
    let wake = desk.wake();
    assert_eq!(wake.tasks.len(), 2);
    desk.store.writable = false;
    desk.begin_again();
    let results = vec![(wake.tasks[0].clone(), TaskResult::NewData)];
    desk.say(Input::StillRunning { wake: wake.id, results, stopping: None });
    desk.store.writable = true;
    desk.say(Input::StoreWritable);
    desk.say(Input::SystemSwitched(false));
    assert_eq!(desk.stops(), [(wake.id, StopReason::SystemOff)], "it is no dead host's wake");
    desk.say(Input::WakeEnded { wake: wake.id, ending: Ending::Gone });
    assert_eq!(desk.outcome(APP), "stopped (background fetch was switched off for every app)");
}

#[test]
fn a_wake_that_was_being_stopped_is_still() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.store.writable = false;
    desk.begin_again();
    let stopping = Some(StopReason::HostStopping);
    desk.say(Input::StillRunning { wake: wake.id, results: vec![], stopping });
    desk.say(Input::WakeEnded { wake: wake.id, ending: Ending::Gone });
    assert_eq!(desk.outcome(APP), "stopped (the host is ending)");
}
