//! A host that can not write its store begins nothing that it could not record, says so, and goes on when it can.

use crate::desk::{Desk, minutes};
use bgfetch_core::{Input, Reason, Status};

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
