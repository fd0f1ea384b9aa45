//! A host that is ending stops what runs, begins nothing, and says so; the next one goes on where it ended.

use crate::desk::{Desk, app, minutes};
use bgfetch_core::{Ending, Input, Reason, Refused, StopReason, WakeReason};

#[test]
fn it_stops_what_runs_and_begins_nothing() {
    let mut desk = Desk::with_apps(&["app.a", "app.b"]);
    desk.floor("app.b", Some(minutes(20)));
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.say(Input::HostStopping);
    assert_eq!(desk.stops(), [(wake.id, StopReason::HostStopping)]);
    assert_eq!(desk.told(), ["stopping: the host is ending"]);
    desk.advance(minutes(30));
    assert_eq!(desk.wakes(), []);
    assert_eq!((desk.why("app.b"), desk.told()), (Reason::HostStopping, vec![]));
    let refused = desk.feed(Input::FetchRequested(app("app.b")));
    assert_eq!(refused, Err(Refused::Held { app: app("app.b"), reason: Reason::HostStopping }));
    desk.end(wake.id, Ending::Stopped);
    assert_eq!(desk.wakes(), [], "its task stays due");
    assert_eq!(desk.outcome("app.a"), "stopped (the host is ending)");
}

#[test]
fn the_next_host_goes_on() {
    let mut desk = Desk::with_apps(&["app.a"]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.say(Input::HostStopping);
    desk.end(wake.id, Ending::Stopped);
    desk.restart();
    assert_eq!(desk.wake().reason, WakeReason::Due, "it is due, and nobody was away");
}
