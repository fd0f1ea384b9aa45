//! What an app declares is read again before every wake: an app that gave up the mode `fetch` is not started, whether
//! it says so or not. A manifest that can not be read stops nobody; one that is no file holds nobody up.

use crate::support::wire::{Wire, hello_app};
use crate::support::{Home, QUICK, ran};
use serde_json::json;

const READER: &str = "com.example.reader";
/// Woken when it is asked for, and not before.
const PROGRAM: &str = "import { BackgroundFetch, TaskManager } from 'expo';
TaskManager.defineTask('refresh', () => BackgroundFetch.Result.NewData);
await BackgroundFetch.setMinimumIntervalAsync(3600);
await BackgroundFetch.registerTaskAsync('refresh');
";
const UNDECLARED: &str = r#"{"expo":{"ios":{"bundleIdentifier":"com.example.reader"}}}"#;

#[test]
fn an_app_that_gave_up_the_mode_is_not_started() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let reader = home.app_folder(READER).join("app.mjs");
    std::fs::write(&reader, PROGRAM).expect("written");
    home.open(&reader);
    let mut journal = home.journal();
    home.done(&["fetch", READER]);
    journal.wake_with(READER, "new_data");
    let manifest = reader.with_file_name("app.json");
    let declared = std::fs::read(&manifest).expect("written before");
    std::fs::write(&manifest, UNDECLARED).expect("written");
    home.run(&["fetch", READER]);
    let said = journal.event(READER, "said");
    let text = said["data"]["text"].as_str().expect("text");
    assert!(text.ends_with("no longer declares the mode `fetch`"), "{text}");
    assert_eq!(journal.outcome(READER), json!({ "not_started": "declare" }));
    assert_eq!(home.json(&["apps"])[0]["reason"]["code"], "not_declared");
    std::fs::write(&manifest, declared).expect("written");
    home.open(&reader);
    home.done(&["fetch", READER]);
    journal.wake_with(READER, "new_data");
    std::fs::remove_file(&manifest).expect("removed");
    home.done(&["fetch", READER]);
    let said = journal.event(READER, "said");
    let text = said["data"]["text"].as_str().expect("text");
    assert!(text.contains("can not be read: ") && text.ends_with("what it said before counts"), "{text}");
    journal.wake_with(READER, "new_data");
}

#[test]
fn a_manifest_that_is_no_file_or_has_no_end_holds_nobody_up() {
    let home = Home::new(QUICK);
    let mut host = home.host();
    let folder = home.path("apps");
    let pipe = ran(std::process::Command::new("mkfifo").arg(folder.join("app.json")));
    assert!(pipe.status.success(), "{pipe:?}");
    let levels = 60_000;
    let nested = format!(
        "<plist version=\"1.0\"><dict><key>k</key>{}{}</dict></plist>",
        "<array>".repeat(levels),
        "</array>".repeat(levels)
    );
    std::fs::write(folder.join("Info.plist"), nested).expect("written");
    let cases = [("app.json", "is not a regular file"), ("Info.plist", "nested deeper than 64")];
    for (name, words) in cases {
        let hello = hello_app(&folder.join(name), &[]);
        let (code, message) = Wire::connect(&home.socket()).refused("hello", &hello);
        assert!(code == "E_MANIFEST" && message.contains(words), "{code} {message}");
    }
    assert!(host.lives());
    assert_eq!(home.json(&["apps"]), json!([]));
}
