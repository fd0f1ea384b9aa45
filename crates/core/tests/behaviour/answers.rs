//! An answer counts once, in its own wake, from its own app. Any other changes nothing and is written down, but a
//! flood of them is not.

use crate::desk::{Desk, app, minutes, task};
use bgfetch_core::{Ending, Input, Outcome, TaskResult, WakeId};

const APP: &str = "com.reader";
const IGNORED: &str = "task `sync` answered again or too late: new data, ignored";

#[test]
fn a_second_answer_is_ignored() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    assert!(desk.scheduler.is_awaited(wake.id, &task("sync")));
    desk.answer(&wake, "sync", TaskResult::NoData);
    assert!(!desk.scheduler.is_awaited(wake.id, &task("sync")));
    desk.answer(&wake, "sync", TaskResult::NewData);
    assert_eq!(desk.told(), [IGNORED]);
    desk.end(wake.id, Ending::Gone);
    assert_eq!(desk.verdict(APP).last_outcome, Some(Outcome::NoData));
}

#[test]
fn a_late_answer_is_ignored() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.end(wake.id, Ending::Limit { forced: true });
    let before = desk.verdicts();
    desk.answer(&wake, "sync", TaskResult::NewData);
    assert_eq!((desk.told(), desk.verdicts()), (vec![IGNORED.to_owned()], before));
}

#[test]
fn an_answer_for_another_apps_wake_is_ignored() {
    let mut desk = Desk::with_apps(&[APP, "com.rude"]);
    desk.advance(minutes(15));
    let wake = desk.wakes().into_iter().find(|wake| wake.app == app(APP)).expect("its wake");
    let (task, result) = (task("sync"), TaskResult::NewData);
    desk.say(Input::Answered { app: app("com.rude"), wake: wake.id, task: task.clone(), result });
    assert!(desk.scheduler.is_awaited(wake.id, &task), "nobody answers for another app");
}

#[test]
fn an_answer_of_a_task_that_the_wake_does_not_run_is_ignored() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.answer(&wake, "other", TaskResult::NewData);
    desk.end(wake.id, Ending::Gone);
    assert_eq!(desk.outcome(APP), "crashed");
}

#[test]
fn a_flood_does_not_fill_the_journal() {
    let mut desk = Desk::with_apps(&[APP]);
    let before = desk.store.journal.len();
    for _ in 0..1_000 {
        let (app, task) = (app(APP), task("sync"));
        desk.say(Input::Answered { app, wake: WakeId(77), task, result: TaskResult::NewData });
    }
    assert_eq!(desk.store.journal.len() - before, 8);
    desk.advance(minutes(15));
    let wake = desk.run(TaskResult::NoData);
    desk.answer(&wake, "sync", TaskResult::NewData);
    assert_eq!(desk.told(), [IGNORED], "after another wake there is room again");
}

#[test]
fn a_wake_ends_once() {
    let mut desk = Desk::with_apps(&[APP]);
    desk.advance(minutes(15));
    let wake = desk.wake();
    desk.end(wake.id, Ending::Limit { forced: true });
    desk.end(wake.id, Ending::Gone);
    assert_eq!((desk.told(), desk.outcome(APP)), (vec![], "killed".to_owned()));
    desk.end(WakeId(77), Ending::Gone);
    assert_eq!(desk.told(), [""; 0], "nobody knows it");
}
