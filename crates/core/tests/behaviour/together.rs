//! Several tasks in one wake: the app is told that it may go when all have answered, what they answered is combined
//! whatever the order, and one that hangs does not cost its siblings their answers.

use crate::desk::{Desk, minutes, registration};
use bgfetch_core::{Change, Ending, Output, TaskResult};

const APP: &str = "com.reader";
const TASKS: [&str; 3] = ["feed", "mail", "sync"];

fn desk() -> Desk {
    let mut desk = Desk::with_apps(&[APP]);
    desk.register(APP, registration("mail"));
    desk.register(APP, registration("feed"));
    desk.advance(minutes(15));
    desk
}

fn results(desk: &Desk) -> Vec<(String, TaskResult)> {
    let ended = desk.outputs.iter().rev().find_map(|output| match output {
        Output::Save(Change::WakeEnded(ended)) => Some(ended.results.clone()),
        _ => None,
    });
    let ended = ended.expect("a wake has ended");
    ended.into_iter().map(|(task, result)| (task.to_string(), result)).collect()
}

#[test]
fn the_outcome_does_not_depend_on_the_order_of_answers() {
    use TaskResult::{Failed, NewData, NoData};
    let cases = [
        ([Failed, NewData, NoData], "new data"),
        ([NoData, Failed, NoData], "failed"),
        ([NoData, NoData, NoData], "no data"),
        ([NewData, TaskResult::Undefined, Failed], "new data"),
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (answers, outcome) in cases {
        for order in orders {
            let mut desk = desk();
            let wake = desk.wake();
            for at in order {
                desk.answer(&wake, TASKS[at], answers[at]);
            }
            desk.end(wake.id, Ending::Gone);
            assert_eq!(desk.outcome(APP), outcome, "{answers:?} in the order {order:?}");
            assert!(results(&desk).iter().map(|(task, _)| task.as_str()).eq(TASKS), "sorted by name");
        }
    }
}

#[test]
fn the_app_may_go_when_the_last_has_answered_and_not_before() {
    let mut desk = desk();
    let wake = desk.wake();
    for name in TASKS {
        assert!(!desk.outputs.contains(&Output::Settled(wake.id)), "`{name}` has not answered");
        desk.answer(&wake, name, TaskResult::NoData);
    }
    assert_eq!(desk.outputs.last(), Some(&Output::Settled(wake.id)));
}

#[test]
fn one_that_hangs_is_named_and_its_siblings_answers_stand() {
    let mut desk = desk();
    let wake = desk.wake();
    desk.answer(&wake, "feed", TaskResult::NewData);
    desk.answer(&wake, "sync", TaskResult::NoData);
    desk.end(wake.id, Ending::Limit { forced: true });
    assert_eq!(desk.outcome(APP), "killed");
    let wanted =
        [("feed", TaskResult::NewData), ("mail", TaskResult::Unanswered), ("sync", TaskResult::NoData)];
    assert_eq!(results(&desk), wanted.map(|(task, result)| (task.to_owned(), result)));
    assert!(desk.told().contains(&"task `mail` gave no answer".to_owned()), "{:?}", desk.told());
}
