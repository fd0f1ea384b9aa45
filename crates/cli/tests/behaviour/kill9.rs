//! A host is killed with SIGKILL, again and again, at random moments, under load: while apps run, register, overrun,
//! leave children behind, while the user turns switches, and while it starts. Whatever was acknowledged is still true
//! afterwards; no app ever runs twice at once; every wake has one outcome; and nothing of an earlier host lives on.
//!
//! `BGFETCH_TEST_KILLS` says how often (200), `BGFETCH_TEST_SEED` which random moments; `--nocapture` shows the counts.

use crate::support::chance::Chance;
use crate::support::wire::{self, Wire, hello_app};
use crate::support::{Home, Host, pause, processes, wait_until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CONFIG: &str = "limit = '1s'\nwarning = '200ms'\ngrace = '100ms'\nlinger = '50ms'\ninterval-min = '100ms'\n\
     back-off-first = '100ms'\nback-off-max = '150ms'\nwakes-max = 8\njournal-rows-per-app = 1000000\n\
     outputs-per-app = 4\n";

/// The busy apps: what each does between its marks.
const BUSY: [(&str, &str); 6] = [
    ("busy.quick", ":"),
    ("busy.slow", "sleep 0.1"),
    ("busy.failing", "exit 7"),
    ("busy.overrunning", "sleep 60"),
    ("busy.leaving", "setsid sh -c 'trap \"\" TERM; sleep 60' &"),
    ("busy.loud", "head -c 200000 /dev/zero | tr '\\0' x"),
];
const READER: &str = "com.example.reader";
const NATIVE: &str = "com.example.native";
const QUIET_APPS: u64 = 4;
const TASKS: u64 = 8;

/// Something that the host acknowledges and must remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A quiet app's minimum interval, in seconds.
    Interval(u64),
    /// A quiet app's switch, 0 or 1.
    Switch(u64),
    /// A task's option, or 0 for one that is not registered.
    Task(u64),
}

/// What is known of a [`Key`].
#[derive(Clone, Copy, Debug)]
struct Known {
    acknowledged: u64,
    /// Asked for, and not answered: it may have been done or not.
    asked: Option<u64>,
}

struct Life {
    home: Home,
    manifest: PathBuf,
    model: BTreeMap<Key, Known>,
    chance: Chance,
    acknowledged: u64,
    longest_death: Duration,
}

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice() {
    let kills = number_of("BGFETCH_TEST_KILLS", 200);
    let seed = number_of("BGFETCH_TEST_SEED", u64::from(std::process::id()));
    println!("{kills} kills; again with BGFETCH_TEST_SEED={seed}");
    let began = Instant::now();
    let mut life = Life::begin(seed);
    for _ in 0..kills {
        life.one_host();
    }
    life.last_host();
    life.check_marks();
    life.check_store(kills);
    let Life { acknowledged, longest_death, .. } = &life;
    println!("{acknowledged} acknowledged changes remembered");
    println!("the last process of a killed host was gone after {} ms at most", longest_death.as_millis());
    println!("{} s in all", began.elapsed().as_secs());
}

impl Life {
    fn begin(seed: u64) -> Self {
        let home = Home::new(CONFIG);
        let host = home.host();
        for (app, body) in BUSY {
            // Whoever holds the lock runs; it is held until the last process of the wake is gone.
            let script = home.script(
                app,
                &format!(
                    "exec 9>>'{lock}'\n\
                 flock -n 9 || echo \"overlap $BGFETCH_APP $BGFETCH_WAKE\" >>'{marks}'\n\
                 echo \"begin $BGFETCH_APP $BGFETCH_WAKE\" >>'{marks}'\n{body}\n\
                 echo \"end $BGFETCH_APP $BGFETCH_WAKE\" >>'{marks}'",
                    lock = home.path(&format!("{app}.lock")).display(),
                    marks = home.path("marks").display(),
                ),
            );
            home.done(&["add", app, "--every", "100ms", "--", &script.display().to_string()]);
        }
        for number in 0..QUIET_APPS {
            home.done(&["add", &quiet(number), "--every", "1h", "--", "true"]);
        }
        let reader = home.node_app(READER, "documented/index.mjs");
        std::fs::write(reader.with_file_name("feed.txt"), "news").expect("written");
        home.open(&reader);
        let manifest = home.app_folder(NATIVE).join("app.json");
        host.kill();
        let intervals = (0..QUIET_APPS).map(|number| (Key::Interval(number), 3_600));
        let switches = (0..QUIET_APPS).map(|number| (Key::Switch(number), 1));
        let tasks = (0..TASKS).map(|number| (Key::Task(number), 0));
        let known = |(key, value)| (key, Known { acknowledged: value, asked: None });
        let model = intervals.chain(switches).chain(tasks).map(known).collect();
        let (chance, longest_death) = (Chance::new(seed), Duration::ZERO);
        Self { home, manifest, model, chance, acknowledged: 0, longest_death }
    }

    /// One host's life: checked, used, killed.
    fn one_host(&mut self) {
        if self.chance.below(6) == 0 {
            // In the middle of its start.
            let host = Host::spawn(&mut self.home.host_command());
            pause(Duration::from_millis(self.chance.below(60)));
            host.kill();
        } else {
            let host = self.home.host();
            let moment = Duration::from_millis(self.chance.below(350));
            let killer = std::thread::spawn(move || {
                // The moment is the test's subject; nothing is expected to have happened by then.
                pause(moment);
                host.kill();
            });
            self.use_host();
            killer.join().expect("the host is killed");
        }
        if self.chance.below(2) == 0 {
            // Else the next host starts while this one's processes may still be dying.
            self.bury();
        }
    }

    /// Waits until nothing of a killed host is left.
    fn bury(&mut self) {
        let (mark, began) = (self.home.mark(), Instant::now());
        wait_until("nothing of the killed host lives", || processes::of_wakes(&mark).is_empty());
        self.longest_death = self.longest_death.max(began.elapsed());
    }

    /// Checks what the host remembers, then changes it until the connection ends.
    fn use_host(&mut self) -> Option<()> {
        let socket = self.home.socket();
        let mut control = Wire::try_connect(&socket).ok()?;
        control.try_ask("hello", &wire::hello("control"))?.expect("a control client");
        self.check(&mut control)?;
        let mut app = Wire::try_connect(&socket).ok()?;
        app.try_ask("hello", &hello_app(&self.manifest, &[]))?.expect("the known app");
        loop {
            let (key, value) = self.wish();
            self.model.get_mut(&key).expect("a key").asked = Some(value);
            let client = if matches!(key, Key::Task(_)) { &mut app } else { &mut control };
            let (method, params) = request(key, value);
            let answer = client.try_ask(method, &params)?;
            assert!(answer.is_ok(), "{key:?} = {value}: {answer:?}");
            self.model.insert(key, Known { acknowledged: value, asked: None });
            self.acknowledged += 1;
        }
    }

    /// A change that makes a difference.
    fn wish(&mut self) -> (Key, u64) {
        let keys: Vec<_> = self.model.keys().copied().collect();
        let key = keys[usize::try_from(self.chance.below(keys.len() as u64)).expect("small")];
        let known = self.model[&key];
        let value = match key {
            Key::Interval(_) => 3_600 + self.chance.below(1_000),
            Key::Switch(_) => 1 - known.acknowledged,
            Key::Task(_) if known.acknowledged > 0 && self.chance.below(2) == 0 => 0,
            Key::Task(_) => 1 + self.chance.below(1_000_000),
        };
        (key, value)
    }

    fn check(&mut self, control: &mut Wire) -> Option<()> {
        let apps = control.try_ask("apps", &json!({}))?.expect("the apps");
        let tasks = control.try_ask("appTasks", &json!({}))?.expect("the tasks");
        for (key, known) in &mut self.model {
            let found = found(*key, &apps, &tasks);
            let is_allowed = found == known.acknowledged || Some(found) == known.asked;
            assert!(is_allowed, "{key:?} is {found} after a restart, and was {known:?}");
            *known = Known { acknowledged: found, asked: None };
        }
        let ids: BTreeSet<_> =
            apps.as_array().expect("a list").iter().filter_map(|app| app["app"].as_str()).collect();
        for (app, _) in BUSY {
            assert!(ids.contains(app), "`{app}` is forgotten");
        }
        let reader = task_of(&tasks, READER, "refresh");
        assert!(reader.is_some(), "the reader's task is forgotten");
        Some(())
    }

    /// A host that is left in peace: every app is woken again, and it ends in order.
    fn last_host(&mut self) {
        let host = self.home.host();
        let mut control = Wire::control(&self.home.socket());
        self.check(&mut control).expect("nobody kills this host");
        let mut journal = self.home.journal();
        journal.until("the last start", |entry| {
            entry["event"] == "host_started" && entry["data"]["in_order"] == false
        });
        let mut waiting: BTreeSet<_> = BUSY.iter().map(|(app, _)| *app).chain([READER]).collect();
        let last_wake = last_wake(&self.home.path("state"));
        journal.until("a wake of every app after the last start", |entry| {
            if entry["event"] == "ended" && entry["wake"].as_u64() > last_wake {
                waiting.remove(entry["app"].as_str().expect("an app"));
            }
            waiting.is_empty()
        });
        assert!(host.stop().success(), "the last host ends in order");
        self.bury();
    }

    /// What the apps themselves saw.
    fn check_marks(&self) {
        let marks = std::fs::read_to_string(self.home.path("marks")).expect("marks");
        let overlaps: Vec<_> = marks.lines().filter(|line| line.starts_with("overlap")).collect();
        assert!(overlaps.is_empty(), "{} overlapped: {overlaps:?}", overlaps.len());
        let begun: Vec<_> = marks.lines().filter(|line| line.starts_with("begin")).collect();
        let once: BTreeSet<_> = begun.iter().collect();
        assert_eq!(begun.len(), once.len(), "a wake ran twice");
        let ended = marks.lines().filter(|line| line.starts_with("end ")).count();
        println!(
            "{} wakes of commands began, {ended} of them came to their last line, 0 overlapped",
            begun.len()
        );
    }

    /// What the store says, read without the host.
    fn check_store(&self, kills: u64) {
        let store = open_store(&self.home.path("state"));
        let count = |sql: &str| store.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count");
        assert_eq!(count("SELECT count(*) FROM wakes WHERE state <> 'ended' OR outcome IS NULL"), 0);
        let ended = "SELECT wake, count(*) AS times FROM journal WHERE json_extract(event, '$.event') = 'ended' \
             GROUP BY wake";
        assert_eq!(count(&format!("SELECT count(*) FROM ({ended}) WHERE times <> 1")), 0, "one outcome each");
        let wakes = count("SELECT count(*) FROM wakes");
        assert_eq!(count(&format!("SELECT count(*) FROM ({ended})")), wakes, "an outcome for each");
        let marks = std::fs::read_to_string(self.home.path("marks")).expect("marks");
        for line in marks.lines().filter(|line| line.starts_with("begin")) {
            let (app, wake) = line["begin ".len()..].split_once(' ').expect("an app and a wake");
            let known = count(&format!("SELECT count(*) FROM wakes WHERE id = {wake} AND app = '{app}'"));
            assert_eq!(known, 1, "{line}: it ran and the store does not know it");
        }
        let mut outcomes = store
            .prepare("SELECT outcome, count(*) FROM wakes GROUP BY outcome ORDER BY count(*) DESC")
            .expect("sql");
        let outcomes = outcomes.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)));
        let outcomes: Vec<_> = outcomes.expect("rows").map(|row| row.expect("a row")).collect();
        println!("{kills} kills, {wakes} wakes, each with one outcome: {outcomes:?}");
        assert!(
            outcomes.iter().any(|(outcome, _)| outcome == "\"lost\""),
            "no kill hit a wake: {outcomes:?}"
        );
    }
}

fn quiet(number: u64) -> String {
    format!("quiet.app{number}")
}

fn request(key: Key, value: u64) -> (&'static str, Value) {
    match key {
        Key::Interval(app) => ("set", json!({ "switch": "interval", "app": quiet(app), "seconds": value })),
        Key::Switch(app) => ("set", json!({ "switch": "app", "app": quiet(app), "on": value == 1 })),
        Key::Task(task) if value == 0 => ("unregister", json!({ "task": format!("task{task}") })),
        Key::Task(task) => {
            let options = json!({ "value": value });
            (
                "register",
                json!({ "task": format!("task{task}"), "type": "backgroundFetch", "options": options }),
            )
        }
    }
}

fn found(key: Key, apps: &Value, tasks: &Value) -> u64 {
    let app = |number: u64| {
        let id = quiet(number);
        let known = apps.as_array().expect("a list").iter().find(|app| app["app"] == id);
        known.unwrap_or_else(|| panic!("`{id}` is forgotten"))
    };
    match key {
        Key::Interval(number) => {
            let seconds = app(number)["intervalSeconds"].as_f64().expect("seconds");
            Duration::from_secs_f64(seconds).as_secs()
        }
        Key::Switch(number) => u64::from(app(number)["reason"]["code"] != "app_off"),
        Key::Task(number) => {
            let task = task_of(tasks, NATIVE, &format!("task{number}"));
            task.map_or(0, |task| task["options"]["value"].as_u64().expect("its option"))
        }
    }
}

fn task_of<'a>(tasks: &'a Value, app: &str, task: &str) -> Option<&'a Value> {
    tasks.as_array().expect("a list").iter().find(|known| known["app"] == app && known["task"] == task)
}

fn open_store(state: &Path) -> rusqlite::Connection {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    rusqlite::Connection::open_with_flags(state.join("store.sqlite"), flags).expect("a store")
}

fn last_wake(state: &Path) -> Option<u64> {
    let newest =
        open_store(state).query_row("SELECT max(id) FROM wakes", [], |row| row.get::<_, Option<i64>>(0));
    newest.expect("a number").map(i64::cast_unsigned)
}
