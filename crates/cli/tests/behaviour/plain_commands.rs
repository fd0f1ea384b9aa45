//! Any command is an app: it is added with one line, woken as often as asked, in the folder and with the environment
//! that it was added in, and judged by its exit status or by whether its output changed. What it printed is kept.

use crate::support::{Home, QUICK, ran};
use serde_json::json;

#[test]
fn the_exit_status_tells() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    let said = home.done(&["add", "me.good", "--every", "200ms", "--", "true"]);
    assert_eq!(said, "added me.good; `bgfetch why me.good` says when it runs\n");
    journal.wake_with("me.good", "new_data");
    home.done(&["add", "me.bad", "--every", "200ms", "--", "sh", "-c", "echo why >&2; exit 3"]);
    let text = journal.event("me.bad", "said")["text"].to_string();
    assert!(text.contains("the command ended with status 3"), "{text}");
    let wake = journal.wake_with("me.bad", "failed");
    let log = home.json(&["log", "--wake", &wake.to_string()]);
    assert_eq!(log["output"]["stderr"], "why\n", "{log}");
}

#[test]
fn the_output_tells_if_asked() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let feed = home.path("feed");
    let path = feed.display().to_string();
    std::fs::write(&feed, "first").expect("written");
    let mut journal = home.journal();
    home.done(&["add", "me.feed", "--every", "200ms", "--changed-by", "output", "--", "cat", &path]);
    assert_eq!(journal.outcome("me.feed"), "new_data");
    assert_eq!(journal.outcome("me.feed"), "no_data");
    std::fs::write(&feed, "second").expect("written");
    journal.wake_with("me.feed", "new_data");
    assert_eq!(journal.outcome("me.feed"), "no_data");
    // Another interval is no news.
    home.done(&["add", "me.feed", "--every", "300ms", "--changed-by", "output", "--", "cat", &path]);
    journal.event("me.feed", "floor_set");
    assert_eq!(journal.outcome("me.feed"), "no_data");
}

#[test]
fn it_starts_where_and_with_what_it_was_added() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let folder = home.path("here");
    std::fs::create_dir(&folder).expect("a folder");
    let mut add = home.bgfetch(&["add", "me.env", "--every", "200ms", "--", "sh", "-c", "pwd; env"]);
    let said = ran(add.current_dir(&folder).env("FAVOURITE", "blue green").env("BGFETCH_SECRET", "no"));
    assert!(said.status.success(), "{said:?}");
    let mut journal = home.journal();
    let wake = journal.wake_with("me.env", "new_data");
    let log = home.json(&["log", "--wake", &wake.to_string()]);
    let lines: Vec<_> = log["output"]["stdout"].as_str().expect("an output").lines().collect();
    assert_eq!(lines[0], folder.canonicalize().expect("a folder").display().to_string());
    let wake = format!("BGFETCH_WAKE={wake}");
    let socket = home.mark();
    for wanted in
        ["FAVOURITE=blue green", "TZ=UTC", "BGFETCH_APP=me.env", "BGFETCH_REASON=due", &wake, &socket]
    {
        assert!(lines.contains(&wanted), "`{wanted}` is missing: {lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("BGFETCH_SECRET")), "{lines:#?}");
}

#[test]
fn a_manifest_names_the_command() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let folder = home.path("apps/notes");
    std::fs::create_dir(&folder).expect("a folder");
    let manifest =
        "id = 'me.notes'\nmodes = ['fetch']\nevery = '200ms'\ncommand = ['./fetch.sh', 'all notes']\n";
    std::fs::write(folder.join("bgfetch.toml"), manifest).expect("written");
    home.script("apps/notes/fetch.sh", "echo \"$1 in $(pwd)\"");
    home.done(&["add", &folder.display().to_string()]);
    let wake = home.journal().wake_with("me.notes", "new_data");
    let text = home.done(&["log", "--wake", &wake.to_string()]);
    let place = folder.canonicalize().expect("a folder");
    assert!(text.contains(&format!("stdout:\n  all notes in {}\n", place.display())), "{text}");
}

#[test]
fn a_command_that_can_not_be_started_is_refused_at_once() {
    let home = Home::new(QUICK);
    let _host = home.host();
    std::fs::write(home.path("notes.txt"), "no program").expect("written");
    std::fs::create_dir(home.path("folder")).expect("a folder");
    std::fs::write(home.path("folder/bgfetch.toml"), "id = 'me.undeclared'\ncommand = ['true']\n")
        .expect("written");
    let cases: [(&[&str], i32, &str); 9] = [
        (&["me.x", "--every", "1h", "--", "no-such-command"], 4, "there is no command `"),
        (&["me.x", "--every", "1h", "--", "./missing"], 4, "there is no command `"),
        (&["me.x", "--every", "1h", "--", "./notes.txt"], 1, "notes.txt` is not an executable file"),
        (&["me.x", "--every", "1h", "--", "./folder"], 1, "folder` is not an executable file"),
        (&["reader", "--every", "1h", "--", "true"], 1, "the app id `reader` is not parts joined by dots"),
        (&["me.x", "--", "true"], 2, "`--every TIME` is missing"),
        (&["me.x", "--every", "soon", "--", "true"], 2, "`soon` is not a length of time"),
        (&["me.x", "--every", "1h"], 2, "a command is missing"),
        (&["./folder"], 1, "add `modes = [\"fetch\"]`"),
    ];
    for (words, status, said) in cases {
        let ran = home.run(&[&["add"], words].concat());
        assert_eq!(ran.status.code(), Some(status), "{words:?}: {ran:?}");
        assert!(ran.stderr.contains(said), "{words:?}: {ran:?}");
    }
    assert_eq!(home.json(&["apps"]), json!([]), "what is refused leaves nothing behind");
}

#[test]
fn what_vanishes_later_is_said() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    let folder = home.path("work");
    std::fs::create_dir(&folder).expect("a folder");
    let added =
        ran(home.bgfetch(&["add", "me.place", "--every", "200ms", "--", "true"]).current_dir(&folder));
    assert!(added.status.success(), "{added:?}");
    let script = home.script("fetch.sh", "true");
    home.done(&["add", "me.tool", "--every", "200ms", "--", &script.display().to_string()]);
    journal.wake_with("me.place", "new_data");
    std::fs::remove_dir(&folder).expect("removed");
    std::fs::remove_file(&script).expect("removed");
    for (app, named) in [("me.place", &folder), ("me.tool", &script)] {
        let mut said = String::new();
        let ended = journal.until(&format!("a wake of `{app}` that can not start"), |entry| {
            if entry["app"] == app && entry["event"] == "said" {
                said = entry["text"].as_str().expect("a text").to_owned();
            }
            entry["app"] == app && entry["event"] == "ended" && entry["data"]["outcome"] != "new_data"
        });
        assert_eq!(ended["data"]["outcome"], json!({ "not_started": "spawn" }), "{ended}");
        assert!(said.contains(&named.display().to_string()), "{app}: `{said}`");
        let why = home.done(&["why", app]);
        assert!(why.contains("last wake") && why.contains("not started (could not be executed)"), "{why}");
    }
}
