//! How many inputs a second the scheduler takes, and what it costs to restore a million registrations.
//!
//! `cargo bench -p bgfetch-core` runs every case, each in a process of its own, so that the peak memory printed is
//! that case's alone. Outputs are drained as a host drains them, and dropped; nothing is written anywhere.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark reads a clock and prints; the bans are for what it measures"
)]
#![expect(clippy::cast_precision_loss, reason = "figures are printed to three digits")]

use bgfetch_core::{
    AppId, AppRecord, Elapsed, Ending, Input, Now, Output, Registration, Scheduler, Settings, Snapshot, Span,
    TaskName, TaskRecord, TaskResult, Wall,
};
use std::process::Command;
use std::time::Instant;

/// The apps of the two input cases.
const APPS: u64 = 10_000;
/// The inputs that each of them feeds.
const INPUTS: u64 = 2_000_000;

const CASES: [(&str, fn()); 4] = [
    ("steady", steady),
    ("after-sleep", after_sleep),
    ("restore-10k-apps-x-100-tasks", || restore(10_000, 100)),
    ("restore-1m-apps-x-1-task", || restore(1_000_000, 1)),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [only] = wanted.as_slice() else {
        let this = std::env::current_exe().expect("the path of this benchmark");
        for (name, _) in CASES {
            let status = Command::new(&this).arg(name).status().expect("this benchmark starts again");
            assert!(status.success(), "the case `{name}` ended with {status}");
        }
        return;
    };
    match CASES.iter().find(|(name, _)| name == only) {
        Some((_, case)) => case(),
        None => println!("no case `{only}`: expected one of {:?}", CASES.map(|(name, _)| name)),
    }
}

/// A busy day: apps fall due one after another, run, answer and end; some register again or move their floor.
fn steady() {
    let mut day = Day::new(Settings::default());
    for number in 0..APPS {
        let floor = Span::from_secs(900 + number % 3_600);
        day.feed(Input::FloorSet { app: app_id(number), floor: Some(floor) });
    }
    day.measure("steady");
}

/// The machine slept for a week: every app is due at once, and the queue is as long as it gets.
fn after_sleep() {
    let mut day = Day::new(Settings::default());
    for number in 0..APPS {
        day.feed(Input::FloorSet { app: app_id(number), floor: Some(Span::from_mins(1)) });
    }
    day.advance(Span::from_hours(24 * 7));
    day.measure("after-sleep");
}

struct Day {
    scheduler: Scheduler,
    now: Now,
    /// What the host will hear next: answers and ends of the wakes it began.
    pending: Vec<Input>,
    outputs: u64,
    inputs: u64,
    wakes: u64,
}

impl Day {
    fn new(settings: Settings) -> Self {
        let now = now_at(Elapsed::ZERO);
        let snapshot = Snapshot { apps: apps(APPS, 1), ..Snapshot::default() };
        let mut day = Self {
            scheduler: Scheduler::new(settings, 7, snapshot, now),
            now,
            pending: Vec::new(),
            outputs: 0,
            inputs: 0,
            wakes: 0,
        };
        day.drain();
        day
    }

    fn advance(&mut self, span: Span) {
        self.now = now_at(self.now.elapsed.plus(span));
    }

    fn feed(&mut self, input: Input) {
        self.scheduler.handle_input(self.now, input).expect("a benchmark's inputs are taken");
        self.inputs += 1;
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.scheduler.poll_output() {
            self.outputs += 1;
            let Output::Wake(wake) = output else { continue };
            self.wakes += 1;
            self.pending.push(Input::WakeEnded { wake: wake.id, ending: Ending::Gone });
            for task in wake.tasks {
                // One in sixteen fails, so that back-off has its share.
                let result =
                    if wake.id.0.is_multiple_of(16) { TaskResult::Failed } else { TaskResult::NoData };
                self.pending.push(Input::Answered { app: wake.app.clone(), wake: wake.id, task, result });
            }
        }
    }

    fn measure(mut self, name: &str) {
        (self.inputs, self.outputs, self.wakes) = (0, 0, 0);
        let began = Instant::now();
        let core_began = core_seconds();
        while self.inputs < INPUTS {
            if let Some(input) = self.pending.pop() {
                self.advance(Span::from_millis(1));
                self.feed(input);
            } else {
                let next = self.scheduler.poll_timeout().expect("some app waits");
                self.now = now_at(self.now.elapsed.max(next.at));
                self.feed(Input::DeadlineReached);
            }
            self.now_and_then();
        }
        // Another program that shares the core must not count.
        let core = core_seconds().zip(core_began).map(|(after, before)| after - before);
        let seconds = core.unwrap_or_else(|| began.elapsed().as_secs_f64());
        println!(
            "{name}: {:.2} M inputs/s of one core ({} inputs, {} wakes, {} outputs, {APPS} apps; wanted: 1 M)",
            self.inputs as f64 / seconds / 1e6,
            self.inputs,
            self.wakes,
            self.outputs,
        );
    }

    /// What apps and people do beside the wakes: one app in its turn starts and registers anew, or moves its floor.
    fn now_and_then(&mut self) {
        let number = self.inputs / 8 % APPS;
        match self.inputs % 8 {
            0 => self.feed(Input::Registered { app: app_id(number), task: registration(0) }),
            4 => {
                let floor = Span::from_secs(900 + self.inputs % 3_600);
                self.feed(Input::FloorSet { app: app_id(number), floor: Some(floor) });
            }
            _ => {}
        }
    }
}

/// Restores a store's content: how long until the scheduler has decided on every app, and the memory at its peak.
fn restore(apps_count: u64, tasks_each: u64) {
    let before_kib = peak_kib();
    let mut snapshot = Snapshot { apps: apps(apps_count, tasks_each), ..Snapshot::default() };
    for (app, _) in &mut snapshot.apps {
        app.floor = Some(Span::from_mins(15));
    }
    let began = Instant::now();
    let mut scheduler = Scheduler::new(Settings::default(), 7, snapshot, now_at(Elapsed::ZERO));
    let mut outputs = 0_u64;
    while scheduler.poll_output().is_some() {
        outputs += 1;
    }
    let seconds = began.elapsed().as_secs_f64();
    let peak = match (before_kib, peak_kib()) {
        (Some(before), Some(after)) => format!("{} MB", (after - before) * 1_024 / 1_000_000),
        _ => "-".to_owned(),
    };
    println!(
        "restore {apps_count} apps x {tasks_each}: {seconds:.2} s, peak {peak} ({outputs} outputs; wanted: 5 s, 500 MB)"
    );
}

/// For how long this process was on a core, as Linux tells it; none elsewhere.
fn core_seconds() -> Option<f64> {
    let statistics = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = statistics.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

/// The most memory this process ever held, as Linux tells it; none elsewhere.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn now_at(elapsed: Elapsed) -> Now {
    Now { elapsed, wall: Wall::from_millis(1_700_000_000_000).plus(elapsed.since(Elapsed::ZERO)) }
}

fn app_id(number: u64) -> AppId {
    AppId::parse(&format!("com.example.app{number}")).expect("an id")
}

fn task_name(number: u64) -> TaskName {
    TaskName::parse(&format!("sync-{number}")).expect("a name")
}

fn registration(number: u64) -> Registration {
    Registration { name: task_name(number), options: "{}".into(), floor: None, constraints: Vec::new() }
}

fn apps(apps_count: u64, tasks_each: u64) -> Vec<(AppRecord, Vec<TaskRecord>)> {
    let task = |number| TaskRecord {
        name: task_name(number),
        options: "{}".into(),
        floor: None,
        constraints: Vec::new(),
        registered: Elapsed::ZERO,
        last_begun: None,
        orphan: false,
    };
    let app = |number| (AppRecord::new(app_id(number), true), (0..tasks_each).map(task).collect());
    (0..apps_count).map(app).collect()
}
