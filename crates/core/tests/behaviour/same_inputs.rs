//! The same seed and the same inputs give the same outputs, to the byte.

use crate::desk::{Desk, minutes, registration, waiting_for};
use bgfetch_core::{Constraint, Ending, Network, TaskResult};

fn a_day() -> String {
    let ids: Vec<_> = (0..20).map(|number| format!("app.n{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let mut desk = Desk::with_apps(&ids);
    desk.register("app.n3", registration("mail"));
    desk.register("app.n4", waiting_for("sync", Constraint::AnyNetwork));
    for round in 0_u32..50 {
        desk.advance(minutes(7));
        let mut open = desk.store.begun.values().cloned().collect::<Vec<_>>();
        while let Some(wake) = open.pop() {
            match wake.id.0 % 4 {
                0 => desk.finish(&wake, TaskResult::Failed),
                1 => desk.end(wake.id, Ending::Limit { forced: true }),
                _ => desk.finish(&wake, TaskResult::NewData),
            }
            open.extend(desk.wakes());
        }
        let network = if round.is_multiple_of(3) { Network::Offline } else { Network::Metered };
        desk.device(|device| device.network = network);
    }
    assert!(desk.outputs.len() > 1_000, "a day with something in it: {} outputs", desk.outputs.len());
    format!("{:?} {:?}", desk.outputs, desk.verdicts())
}

#[test]
fn a_day_lived_twice_is_the_same_day() {
    assert!(a_day() == a_day(), "two runs of the same inputs differ");
}
