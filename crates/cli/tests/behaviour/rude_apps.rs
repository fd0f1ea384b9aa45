//! Apps that behave badly, and what becomes of them: a table. Whatever they do, the wake ends with the outcome that
//! stands here, with each task's result beside it, and nothing of its processes is left at that moment.

use crate::support::journal::Journal;
use crate::support::{Home, processes};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A limit that no polite app meets although many start at once, and hanging ones soon do.
const CONFIG: &str = "limit = '6s'\nwarning = '1s'\ngrace = '500ms'\nlinger = '100ms'\n";

/// A Node app: its good build, which registers; the build that an update brings; what then comes of a wake.
struct Rude {
    good: &'static str,
    update: &'static str,
    outcome: &'static str,
    results: &'static [(&'static str, &'static str)],
    /// A part of what the journal says of it; empty for nothing.
    said: &'static str,
}

const fn one(
    update: &'static str,
    outcome: &'static str,
    result: &'static [(&'static str, &'static str)],
    said: &'static str,
) -> Rude {
    Rude { good: "one-task.mjs", update, outcome, results: result, said }
}

const fn two(
    update: &'static str,
    outcome: &'static str,
    results: &'static [(&'static str, &'static str)],
) -> Rude {
    Rude { good: "two-tasks.mjs", update, outcome, results, said: "" }
}

const UNANSWERED: &[(&str, &str)] = &[("refresh", "unanswered")];

const NODE_APPS: &[Rude] = &[
    one("one-task.mjs", "new_data", &[("refresh", "new_data")], ""),
    one("rude/throws.mjs", "failed", &[("refresh", "failed")], "the feed is gone"),
    one("rude/rejects-later.mjs", "failed", &[("refresh", "failed")], "the feed is gone"),
    one("rude/nonsense.mjs", "no_data", &[("refresh", "no_data")], ""),
    one("rude/hangs.mjs", "expired", UNANSWERED, ""),
    one("rude/hangs-deaf.mjs", "killed", UNANSWERED, ""),
    one("rude/spins.mjs", "expired", UNANSWERED, ""),
    one("rude/exits-in-task.mjs", "crashed", UNANSWERED, ""),
    one("rude/exits-early.mjs", "not_started: load", UNANSWERED, "status 3 before it was ready"),
    one("rude/throws-early.mjs", "not_started: load", UNANSWERED, "status 1 before it was ready"),
    one("broken/syntax.mjs", "not_started: load", UNANSWERED, "status 1 before it was ready"),
    one("rude/defines-nothing.mjs", "not_started: define", &[("refresh", "undefined")], ""),
    one("rude/leaves-child.mjs", "new_data", &[("refresh", "new_data")], ""),
    one("rude/closes-stdio.mjs", "no_data", &[("refresh", "no_data")], ""),
    one("rude/floods.mjs", "new_data", &[("refresh", "new_data")], ""),
    one("rude/stays.mjs", "new_data", &[("refresh", "new_data")], ""),
    two("rude/one-hangs.mjs", "expired", &[("refresh", "new_data"), ("upload", "unanswered")]),
    two("rude/one-fails.mjs", "new_data", &[("refresh", "new_data"), ("upload", "failed")]),
    two("rude/one-missing.mjs", "no_data", &[("refresh", "no_data"), ("upload", "undefined")]),
];

/// Plain commands, as `sh` runs them.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("kill -SEGV $$", "crashed", "unanswered"),
    ("kill -KILL $$", "crashed", "unanswered"),
    ("kill -KILL 0", "crashed", "unanswered"),
    ("sleep 1000", "expired", "unanswered"),
    ("trap '' TERM HUP INT; while :; do sleep 1000; done", "killed", "unanswered"),
    ("setsid sh -c 'trap \"\" TERM; sleep 1000' & exit 0", "new_data", "new_data"),
    ("setsid sh -c 'trap \"\" TERM; sleep 1000' & exit 9", "failed", "failed"),
    ("exec 0<&- 1>&- 2>&-; exit 0", "new_data", "new_data"),
    ("yes | head -c 3000000", "new_data", "new_data"),
    ("exit 255", "failed", "failed"),
];

/// What is expected of an app's next wake.
struct Expected {
    what: String,
    outcome: Value,
    results: BTreeMap<String, String>,
    said: String,
}

#[test]
fn every_rude_app_comes_to_its_end_and_leaves_nothing() {
    let home = Home::new(CONFIG);
    let _host = home.host();
    let mut expected = BTreeMap::new();
    for (number, rude) in NODE_APPS.iter().enumerate() {
        let app = format!("rude.node{number}");
        let program = home.node_app(&app, rude.good);
        home.open(&program);
        std::fs::copy(crate::support::fixtures().join(rude.update), &program).expect("the update");
        let results = rude.results.iter().map(|(task, result)| ((*task).to_owned(), (*result).to_owned()));
        let (outcome, results) = (outcome(rude.outcome), results.collect());
        let (what, said) = (rude.update.to_owned(), rude.said.to_owned());
        expected.insert(app, Expected { what, outcome, results, said });
    }
    for (number, (body, ends, result)) in COMMANDS.iter().enumerate() {
        let app = format!("rude.command{number}");
        home.done(&["add", &app, "--every", "1h", "--", "sh", "-c", body]);
        let results = BTreeMap::from([("fetch".to_owned(), (*result).to_owned())]);
        let (what, said) = ((*body).to_owned(), String::new());
        expected.insert(app, Expected { what, outcome: outcome(ends), results, said });
    }
    let mut journal = home.journal();
    fetch_all(&home, &mut journal, &expected);
}

/// Wakes every app, as many at a time as the host allows, and compares each end.
fn fetch_all(home: &Home, journal: &mut Journal, expected: &BTreeMap<String, Expected>) {
    let mut waiting: Vec<_> = expected.keys().collect();
    let mut running = BTreeSet::new();
    let mut told: BTreeMap<String, (BTreeMap<String, String>, String)> = BTreeMap::new();
    let mut wrong = Vec::new();
    while !(waiting.is_empty() && running.is_empty()) {
        while running.len() < 4
            && let Some(app) = waiting.pop()
        {
            home.done(&["fetch", app, "--no-wait"]);
            running.insert(app.clone());
        }
        let ended = journal.until("the end of a rude app", |entry| {
            let Some(app) = entry["app"].as_str() else { return false };
            let (answers, said) = told.entry(app.to_owned()).or_default();
            match entry["event"].as_str() {
                Some("answered") => {
                    let text = |member: &str| entry["data"][member].as_str().expect("a text").to_owned();
                    answers.insert(text("task"), text("result"));
                }
                Some("said") => said.push_str(entry["text"].as_str().expect("a text")),
                _ => {}
            }
            entry["event"] == "ended"
        });
        let app = ended["app"].as_str().expect("an app");
        let left = processes::of_wake(&home.mark(), ended["wake"].as_u64().expect("a wake"));
        assert!(left.is_empty(), "`{}` left {left:?}", expected[app].what);
        running.remove(app);
        wrong.extend(difference(&expected[app], &ended["data"]["outcome"], &told[app]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn difference(
    expected: &Expected,
    outcome: &Value,
    (answers, said): &(BTreeMap<String, String>, String),
) -> Option<String> {
    let Expected { what, outcome: wanted, results, said: wanted_said } = expected;
    let fits = outcome == wanted && answers == results && said.contains(wanted_said);
    (!fits).then(|| {
        format!("{what}: {outcome} {answers:?} `{said}`, expected {wanted} {results:?} `{wanted_said}`")
    })
}

fn outcome(text: &str) -> Value {
    match text.split_once(": ") {
        Some((word, stage)) => json!({ word: stage }),
        None => json!(text),
    }
}
