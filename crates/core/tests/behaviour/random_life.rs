//! Whatever happens in whatever order, what must hold holds: lives of random inputs, random lengths of time and
//! crashes at any output. The desk checks every wake and every rest; here the store is read back after each step.

use crate::desk::{Desk, SEED, app, task};
use bgfetch_core::{
    Constraint, Ending, Input, Network, Output, Power, Presence, Registration, Scheduler, Settings, Span,
    Stage, TaskResult, WakeId, Wall,
};
use proptest::collection::vec;
use proptest::prelude::*;

const APPS: [&str; 4] = ["app.a", "app.b", "app.c", "app.d"];
const TASKS: [&str; 3] = ["feed", "mail", "sync"];
const WAKES_MAX: u32 = 2;

#[derive(Clone, Debug)]
enum Step {
    /// This happens.
    Input(Input),
    /// The sensors tell this.
    Device(Power, Network, Presence),
    /// A task of the wake at this place, of those that run, answers.
    Answer(usize, usize, TaskResult),
    /// The wake at this place ends.
    End(usize, Ending),
    /// The wake at this place runs to its end.
    Finish(usize, TaskResult),
    /// So many milliseconds pass, awake or asleep.
    Advance(u64),
    Sleep(u64),
    /// The clock is set by so many milliseconds.
    SetWall(i64),
    /// Everyone is paused until so many milliseconds from now.
    Pause(Option<usize>, Option<u64>),
    /// The host dies, after so many outputs of this input.
    Crash(Input, usize),
    /// The host ends in order.
    Stop,
}

fn any_app() -> impl Strategy<Value = bgfetch_core::AppId> {
    (0..APPS.len()).prop_map(|at| app(APPS[at]))
}

fn any_task() -> impl Strategy<Value = bgfetch_core::TaskName> {
    (0..TASKS.len()).prop_map(|at| task(TASKS[at]))
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![Just(0), 1_u64..120, 600_u64..7_200, Just(100_000)].prop_map(Span::from_secs)
}

fn any_result() -> impl Strategy<Value = TaskResult> {
    use TaskResult::{Failed, NewData, NoData, Undefined};
    prop_oneof![3 => Just(NoData), 3 => Just(NewData), 2 => Just(Failed), 1 => Just(Undefined)]
}

fn any_ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        Just(Ending::Gone),
        any::<bool>().prop_map(|forced| Ending::Limit { forced }),
        Just(Ending::Stopped),
        Just(Ending::NotStarted(Stage::Load)),
        Just(Ending::Lost),
    ]
}

fn any_registration() -> impl Strategy<Value = Input> {
    let constraint = prop_oneof![
        Just(Constraint::ExternalPower),
        Just(Constraint::AnyNetwork),
        Just(Constraint::UnmeteredNetwork),
        Just(Constraint::Idle),
    ];
    let constraints = prop_oneof![3 => Just(Vec::new()), 1 => vec(constraint, 1..3)];
    let floor = prop::option::weighted(0.3, any_span());
    (any_app(), any_task(), floor, constraints).prop_map(|(app, name, floor, constraints)| {
        let task = Registration { name, options: "{}".into(), floor, constraints };
        Input::Registered { app, task }
    })
}

fn any_input() -> impl Strategy<Value = Input> {
    let ended = (0_u64..40, any_ending()).prop_map(|(wake, ending)| (WakeId(wake), ending));
    prop_oneof![
        6 => (any_app(), prop::bool::weighted(0.9))
            .prop_map(|(app, declared)| Input::AppSeen { app, declared }),
        1 => any_app().prop_map(Input::AppRemoved),
        8 => any_registration(),
        2 => (any_app(), any_task()).prop_map(|(app, task)| Input::Unregistered { app, task }),
        1 => any_app().prop_map(Input::UnregisteredAll),
        6 => (any_app(), prop::option::weighted(0.9, any_span()))
            .prop_map(|(app, floor)| Input::FloorSet { app, floor }),
        2 => (any_app(), vec(any_task(), 0..3)).prop_map(|(app, tasks)| Input::Defined { app, tasks }),
        2 => any_app().prop_map(Input::Opened),
        1 => any_app().prop_map(Input::ForceQuit),
        1 => prop::bool::weighted(0.7).prop_map(Input::SystemSwitched),
        1 => (any_app(), prop::bool::weighted(0.7)).prop_map(|(app, on)| Input::AppSwitched { app, on }),
        1 => prop::bool::weighted(0.3).prop_map(Input::Restricted),
        3 => any_app().prop_map(Input::FetchRequested),
        1 => ended.prop_map(|(wake, ending)| Input::WakeEnded { wake, ending }),
        1 => (any_app(), 0_u64..40, any_task(), any_result()).prop_map(|(app, wake, task, result)| {
            Input::Answered { app, wake: WakeId(wake), task, result }
        }),
        1 => Just(Input::DeadlineReached),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let power = prop_oneof![Just(Power::Unknown), Just(Power::Battery), Just(Power::External)];
    let network = prop_oneof![Just(Network::Offline), Just(Network::Metered), Just(Network::Unmetered)];
    let presence = prop_oneof![Just(Presence::Unknown), Just(Presence::Active), Just(Presence::Idle)];
    let passing = || prop_oneof![0_u64..2_000, 60_000_u64..3_600_000, Just(86_400_000 * 7)];
    prop_oneof![
        20 => any_input().prop_map(Step::Input),
        3 => (power, network, presence).prop_map(|(power, network, presence)| Step::Device(power, network, presence)),
        4 => (0_usize..4, 0_usize..3, any_result()).prop_map(|(run, task, result)| Step::Answer(run, task, result)),
        4 => (0_usize..4, any_ending()).prop_map(|(run, ending)| Step::End(run, ending)),
        8 => (0_usize..4, any_result()).prop_map(|(run, result)| Step::Finish(run, result)),
        10 => passing().prop_map(Step::Advance),
        2 => passing().prop_map(Step::Sleep),
        1 => (-86_400_000_i64..86_400_000).prop_map(Step::SetWall),
        1 => (prop::option::of(0_usize..4), prop::option::of(0_u64..7_200_000))
            .prop_map(|(app, until)| Step::Pause(app, until)),
        3 => (any_input(), 0_usize..8).prop_map(|(input, performed)| Step::Crash(input, performed)),
        2 => ((0_u64..40), any_ending(), 0_usize..8).prop_map(|(wake, ending, performed)| {
            Step::Crash(Input::WakeEnded { wake: WakeId(wake), ending }, performed)
        }),
        1 => Just(Step::Stop),
    ]
}

/// The wake at this place, counted round, of those that run.
fn running(desk: &Desk, at: usize) -> Option<bgfetch_core::WakeRecord> {
    let count = desk.store.begun.len();
    desk.store.begun.values().nth(at.checked_rem(count)?).cloned()
}

fn live(desk: &mut Desk, step: Step) {
    match step {
        // Refused or taken: the desk checks that the one changes nothing and the other nothing it must not.
        Step::Input(input) => drop(desk.feed(input)),
        Step::Device(power, network, presence) => desk.device(|device| {
            (device.power, device.network, device.presence) = (power, network, presence);
        }),
        Step::Answer(run, task, result) => {
            if let Some(wake) = running(desk, run) {
                let name = wake.tasks[task % wake.tasks.len()].to_string();
                desk.answer(&wake, &name, result);
            }
        }
        Step::End(run, ending) => {
            if let Some(wake) = running(desk, run) {
                desk.end(wake.id, ending);
            }
        }
        Step::Finish(run, result) => {
            if let Some(wake) = running(desk, run) {
                desk.finish(&wake, result);
            }
        }
        Step::Advance(ms) => desk.advance(Span::from_millis(ms)),
        Step::Sleep(ms) => desk.suspend(Span::from_millis(ms)),
        Step::SetWall(by) => desk.set_wall(Wall::from_millis(desk.now.wall.as_millis() + by)),
        Step::Pause(at, until) => {
            let until = until.map(|ms| desk.now.wall.plus(Span::from_millis(ms)));
            drop(desk.feed(Input::Paused { app: at.map(|at| app(APPS[at])), until }));
        }
        Step::Crash(input, performed) => desk.crash_in(input, performed),
        Step::Stop => {
            desk.say(Input::HostStopping);
            while let Some(wake) = running(desk, 0) {
                desk.end(wake.id, Ending::Stopped);
            }
            desk.restart();
        }
    }
}

/// What the store holds is what the scheduler knows: another one that begins from it explains every app alike.
fn check_replay(desk: &Desk, settings: Settings) {
    let mut other = Scheduler::new(settings, SEED, desk.store.snapshot(desk.device), desk.now);
    while let Some(output) = other.poll_output() {
        assert!(!matches!(output, Output::Wake(_)), "another host would begin {output:?}");
    }
    for (id, verdict) in desk.verdicts() {
        assert_eq!(other.explain(desk.now, &id), Some(verdict), "{id}");
    }
    assert_eq!(other.poll_timeout(), desk.scheduler.poll_timeout());
}

fn settings() -> Settings {
    Settings { wakes_max: WAKES_MAX, tasks_max: 2, apps_max: 3, ..Settings::default() }
}

fn life(steps: &[Step]) -> Desk {
    let mut desk = Desk::with_apps_and(settings(), &APPS[..2]);
    for step in steps {
        live(&mut desk, step.clone());
        check_replay(&desk, settings());
    }
    desk
}

/// What remains when the world is kind again: every app that can run does, within its longest wait.
fn check_liveness(desk: &mut Desk) {
    desk.say(Input::Restricted(false));
    desk.say(Input::SystemSwitched(true));
    desk.say(Input::Paused { app: None, until: None });
    while let Some(wake) = running(desk, 0) {
        desk.finish(&wake, TaskResult::NoData);
    }
    let ids: Vec<_> = desk.scheduler.apps().map(|record| record.id.clone()).collect();
    for id in &ids {
        desk.say(Input::AppSeen { app: id.clone(), declared: true });
        desk.say(Input::Opened(id.clone()));
        desk.say(Input::AppSwitched { app: id.clone(), on: true });
        desk.say(Input::Paused { app: Some(id.clone()), until: None });
        let task =
            Registration { name: task("sync"), options: "{}".into(), floor: None, constraints: vec![] };
        desk.say(Input::UnregisteredAll(id.clone()));
        desk.say(Input::Registered { app: id.clone(), task });
        desk.say(Input::FloorSet { app: id.clone(), floor: Some(Span::from_mins(15)) });
    }
    // Longer than an interval that counts eight times, and than the longest back-off.
    let mut woken = std::collections::BTreeSet::new();
    for _ in 0..400 {
        desk.advance(Span::from_mins(1));
        while let Some(wake) = running(desk, 0) {
            desk.finish(&wake, TaskResult::NoData);
            woken.insert(wake.app);
        }
    }
    assert!(woken.iter().eq(&ids), "only {woken:?} of {ids:?} were woken");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_must_hold_holds_and_then_every_app_is_woken(steps in vec(any_step(), 1..150)) {
        check_liveness(&mut life(&steps));
    }

    #[test]
    fn the_same_life_is_lived_twice(steps in vec(any_step(), 1..60)) {
        let told = |desk: Desk| format!("{:?} {:?}", desk.outputs, desk.verdicts());
        prop_assert_eq!(told(life(&steps)), told(life(&steps)));
    }
}
