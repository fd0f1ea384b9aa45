//! Who an app is stands in its manifest, and belongs to the program that came first: another one that claims the same
//! id is refused until the user says otherwise. A manifest that is missing, broken or silent about `fetch` is refused
//! with the documented code and words.

use crate::support::{Home, QUICK, ran};

/// Registers, and prints the code and the message of what goes wrong.
const PROGRAM: &str = "import { BackgroundFetch, TaskManager } from 'expo';
TaskManager.defineTask('refresh', () => BackgroundFetch.Result.NewData);
await BackgroundFetch.setMinimumIntervalAsync(0.2).catch(() => {});
await BackgroundFetch.registerTaskAsync('refresh').then(
  () => console.log('registered'),
  (error) => console.log(`${error.code}: ${error.message}`),
);
";

const READER: &str = "com.example.reader";

/// Opens the program in the folder `folder` beside the manifest `name` with `text`, and gives what it printed.
fn opened(home: &Home, folder: &str, name: &str, text: &str) -> String {
    let folder = home.path("apps").join(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    if !name.is_empty() {
        std::fs::write(folder.join(name), text).expect("written");
    }
    std::fs::write(folder.join("app.mjs"), PROGRAM).expect("written");
    ran(&mut home.node(&folder.join("app.mjs"))).stdout
}

const DECLARED: &str = r#"{"expo":{"ios":{"bundleIdentifier":"com.example.reader","infoPlist":{"UIBackgroundModes":["fetch"]}}}}"#;
const UNDECLARED: &str = r#"{"expo":{"ios":{"bundleIdentifier":"com.example.silent"}}}"#;

#[test]
fn another_program_is_refused_until_the_user_adopts_it() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    assert_eq!(opened(&home, "first", "app.json", DECLARED), "registered\n");
    journal.wake_with(READER, "new_data");
    let refused = opened(&home, "second", "app.json", DECLARED);
    assert!(refused.starts_with("E_APP_ID_TAKEN: the id `com.example.reader` belongs to `"), "{refused}");
    assert!(refused.contains("run `bgfetch apps adopt com.example.reader`"), "{refused}");
    let program = |home: &Home| home.json(&["apps"])[0]["program"].as_str().expect("a path").to_owned();
    assert!(program(&home).ends_with("/first/app.mjs"), "{}", program(&home));
    assert_eq!(home.done(&["apps", "adopt", READER]), "adopted\n");
    assert!(program(&home).ends_with("/second/app.mjs"), "{}", program(&home));
    assert_eq!(opened(&home, "second", "app.json", DECLARED), "registered\n");
    let refused = opened(&home, "first", "app.json", DECLARED);
    assert!(refused.starts_with("E_APP_ID_TAKEN"), "the first is a stranger now: {refused}");
    journal.event(READER, "adopted");
    journal.wake_with(READER, "new_data");
    let again = home.run(&["apps", "adopt", "com.example.nobody"]);
    assert_eq!(again.status.code(), Some(4), "{again:?}");
}

#[test]
fn a_command_does_not_take_the_id_of_a_program() {
    let home = Home::new(QUICK);
    let _host = home.host();
    assert_eq!(opened(&home, "first", "app.json", DECLARED), "registered\n");
    let refused = home.run(&["add", READER, "--every", "1h", "--", "true"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("the id `com.example.reader` belongs to `"), "{refused:?}");
    assert_eq!(home.json(&["apps"])[0]["kind"], "node");
}

#[test]
fn an_adopted_command_has_its_own_interval_and_its_one_task() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let mut journal = home.journal();
    assert_eq!(opened(&home, "first", "app.json", DECLARED), "registered\n");
    assert!(!home.run(&["add", READER, "--every", "1h", "--", "true"]).status.success());
    home.done(&["apps", "adopt", READER]);
    journal.event(READER, "adopted");
    let app = &home.json(&["apps"])[0];
    assert_eq!((app["kind"].as_str(), app["intervalSeconds"].as_f64()), (Some("command"), Some(3_600.0)));
    let tasks = home.json(&["tasks"]);
    assert_eq!((tasks[0]["task"].as_str(), tasks.as_array().map(Vec::len)), (Some("fetch"), Some(1)));
    home.done(&["fetch", READER]);
    journal.wake_with(READER, "new_data");
    // And back: what the host had registered for the command is not the program's.
    assert!(opened(&home, "first", "app.json", DECLARED).starts_with("E_APP_ID_TAKEN"));
    home.done(&["apps", "adopt", READER]);
    assert_eq!(home.json(&["tasks"]), serde_json::json!([]));
    assert_eq!(opened(&home, "first", "app.json", DECLARED), "registered\n");
    journal.wake_with(READER, "new_data");
}

#[test]
fn a_manifest_has_to_be_there_whole_and_to_declare_fetch() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let silent = "E_BACKGROUND_FETCH_DISABLED: Background Fetch has not been configured. To enable it, add `fetch` to \
         `UIBackgroundModes` in the application's Info.plist file.\n";
    assert_eq!(opened(&home, "silent", "app.json", UNDECLARED), silent);
    let cases = [
        ("none", "", "", "E_MANIFEST: no manifest found"),
        ("broken", "app.json", "{", "E_MANIFEST: the manifest `"),
        ("nameless", "app.json", "{}", "names no app: expected `expo.ios.bundleIdentifier`"),
        ("badly-named", "bgfetch.toml", "id = 'reader'", "the app id `reader` is not parts joined by dots"),
        ("misspelt", "bgfetch.toml", "id = 'a.b'\nmode = ['fetch']", "unknown field `mode`"),
    ];
    for (folder, name, text, words) in cases {
        let said = opened(&home, folder, name, text);
        assert!(said.starts_with("E_MANIFEST: ") && said.contains(words), "{folder}: {said}");
    }
    let why = home.done(&["why", "com.example.silent"]);
    assert!(why.contains("no task is registered"), "{why}");
    assert_eq!(home.json(&["tasks"]), serde_json::json!([]));
}
