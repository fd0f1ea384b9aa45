//! An app is what the kernel says that it executes: a program that says otherwise, or another one that runs a known
//! app's files, does not get that app's id. A person may give the id over, or take it away, and then the program that
//! had it speaks for it no longer. What runs in a wake is an app, never the user.

use crate::support::wire::{Wire, hello, hello_app};
use crate::support::{BGFETCH, Home, QUICK, wait_until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const READER: &str = "com.example.reader";
const NATIVE: &str = "com.example.native";

fn reader(home: &Home) -> PathBuf {
    let reader = home.node_app(READER, "documented/index.mjs");
    std::fs::write(reader.with_file_name("feed.txt"), "news").expect("written");
    home.open(&reader);
    reader
}

/// This test's own program as the app of `manifest`, which a wake would start to list its tests and end.
fn native(manifest: &Path, defined: &[&str]) -> Value {
    let mut hello = hello_app(manifest, defined);
    hello["app"]["launch"] =
        json!({ "program": hello["app"]["program"], "args": ["--list"], "cwd": "/", "env": {} });
    hello
}

#[test]
fn a_program_that_says_it_is_another_is_not_heard() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let reader = reader(&home);
    let before = home.json(&["apps"]);
    let own = std::env::current_exe().expect("a program");
    let mut script_of_another = hello_app(&reader.with_file_name("app.json"), &[]);
    script_of_another["app"]["program"] = json!(reader);
    script_of_another["app"]["launch"] = json!({ "program": own, "args": [reader], "cwd": "/", "env": {} });
    let (code, message) = Wire::connect(&home.socket()).refused("hello", &script_of_another);
    assert_eq!(code, "E_FORBIDDEN");
    assert!(message.contains("its command line does not name `"), "{message}");
    let mut itself = hello_app(&reader.with_file_name("app.json"), &[]);
    let error = Wire::connect(&home.socket()).ask("hello", &itself).expect_err("the id is the reader's");
    assert_eq!(error["data"], json!({ "code": "E_APP_ID_TAKEN", "app": READER, "holder": reader }));
    itself["app"]["program"] = json!("/bin/sh");
    let (code, message) = Wire::connect(&home.socket()).refused("hello", &itself);
    assert!(code == "E_FORBIDDEN" && message.contains("executes"), "{code} {message}");
    assert_eq!(home.json(&["apps"])[0]["program"], before[0]["program"]);
    assert_eq!(home.json(&["apps"])[0]["kind"], "node");
}

#[test]
fn another_node_for_the_same_script_needs_the_users_word() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let reader = reader(&home);
    let node = home.node(&reader);
    let path = std::env::var_os("PATH").expect("a search path");
    let first = std::env::split_paths(&path).map(|folder| folder.join("node")).find(|file| file.is_file());
    let first = first.expect("node").canonicalize().expect("a path");
    let second = home.path("node-of-tomorrow");
    std::fs::copy(&first, &second).expect("copied");
    let open_with_second = || {
        let mut command = std::process::Command::new(&second);
        command.args(node.get_args());
        home.inhabit(&mut command);
        crate::support::ran(&mut command)
    };
    let refused = open_with_second();
    for words in
        ["E_APP_ID_TAKEN", first.to_str().expect("text"), second.to_str().expect("text"), "apps adopt"]
    {
        assert!(refused.stderr.contains(words) || refused.stdout.contains(words), "{words}: {refused:?}");
    }
    assert_eq!(home.done(&["apps", "adopt", READER]), "adopted\n");
    let opened = open_with_second();
    assert!(opened.status.success(), "{opened:?}");
    let mut journal = home.journal();
    journal.event(READER, "adopted");
    journal.wake_with(READER, "new_data");
}

#[test]
fn who_has_lost_the_id_is_let_go_of() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let manifest = home.app_folder(NATIVE).join("app.json");
    let register = json!({ "task": "feed", "type": "backgroundFetch", "options": {} });
    let mut removed = Wire::connect(&home.socket());
    removed.ask("hello", &native(&manifest, &["feed"])).expect("an app");
    removed.ask("register", &register).expect("a task");
    home.done(&["remove", NATIVE]);
    assert_eq!(removed.read(), None, "its connection ends");
    assert_eq!(home.json(&["apps"]), json!([]));
    let mut first = Wire::connect(&home.socket());
    first.ask("hello", &native(&manifest, &["feed"])).expect("an app");
    first.ask("register", &register).expect("a task");
    let script = home.path("apps").join(NATIVE).join("index.mjs");
    let program =
        "import { BackgroundFetch } from 'expo'; await BackgroundFetch.setMinimumIntervalAsync(60);";
    std::fs::write(&script, program).expect("written");
    let refused = crate::support::ran(&mut home.node(&script));
    assert!(refused.stderr.contains("E_APP_ID_TAKEN"), "{refused:?}");
    home.done(&["apps", "adopt", NATIVE]);
    assert_eq!(first.read(), None, "its connection ends");
    let (code, _) = Wire::connect(&home.socket()).refused("hello", &native(&manifest, &["feed"]));
    assert_eq!(code, "E_APP_ID_TAKEN");
    assert_eq!(home.json(&["tasks"])[0]["task"], "feed", "what was registered stays");
}

#[test]
fn a_wake_of_who_has_lost_the_id_ends() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let sleeper = home.script("sleeper", "echo $$ >\"$0.runs\"; exec sleep 600");
    home.done(&["add", "me.command", "--every", "1h", "--", &sleeper.display().to_string()]);
    home.done(&["fetch", "me.command", "--no-wait"]);
    wait_until("it runs", || home.path("sleeper.runs").exists());
    std::fs::write(home.path("bgfetch.toml"), "id='me.command'\nmodes=['fetch']\ncommand=['true']\n")
        .expect("written");
    let toml = home.path("bgfetch.toml").display().to_string();
    assert!(!home.run(&["add", &toml]).status.success(), "the id is the first command's");
    let mut journal = home.journal();
    home.done(&["apps", "adopt", "me.command"]);
    let said = journal.event("me.command", "said");
    assert_eq!(said["data"]["text"], "the id was given to another program");
    journal.event("me.command", "ended");
}

#[test]
fn starting_an_app_lifts_its_force_quit_but_not_from_within_a_wake() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let reader = reader(&home);
    let mut journal = home.journal();
    let reason = || home.json(&["apps"])[0]["reason"]["code"].clone();
    home.done(&["apps", "quit", READER]);
    assert_eq!(reason(), "force_quit");
    let node = home.node(&reader);
    let words: Vec<_> = node.get_args().map(|word| format!("'{}'", word.display())).collect();
    let opener = home.script("opener", &format!("unset BGFETCH_MANIFEST; node {}", words.join(" ")));
    home.done(&["add", "me.opener", "--every", "1h", "--", &opener.display().to_string()]);
    home.done(&["fetch", "me.opener"]);
    journal.wake_with("me.opener", "new_data");
    assert_eq!(reason(), "force_quit", "nobody has opened it");
    home.open(&reader);
    journal.event(READER, "opened");
    assert_ne!(reason(), "force_quit");
}

#[test]
fn what_runs_in_a_wake_is_not_the_user() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let command = home.script("command", &format!("'{BGFETCH}' set off >\"$0.said\" 2>&1 || true"));
    home.done(&["add", "me.command", "--every", "1h", "--", &command.display().to_string()]);
    let mut journal = home.journal();
    home.done(&["fetch", "me.command"]);
    journal.outcome("me.command");
    let said = std::fs::read_to_string(home.path("command.said")).expect("it ran");
    assert!(said.contains("the role `control` is for people and their tools"), "{said}");
    assert_eq!(home.json(&["apps"])[0]["status"], 3);
}

/// Says `hello` by hand: as an app when it is opened, as the user when it is woken, and writes down the answer.
const IMPOSTOR: &str = "import fs from 'node:fs';
import net from 'node:net';
const woken = process.env.BGFETCH_FD;
const socket = woken ? new net.Socket({ fd: Number(woken) }) : net.connect(process.env.BGFETCH_SOCKET);
const program = fs.realpathSync(process.argv[1]);
const launch = { program: process.execPath, args: [program], cwd: '/', env: {} };
const app = { manifest: program.replace('index.mjs', 'app.json'), program, launch, defined: ['feed'] };
const say = (id, method, params) => socket.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\\n');
say(1, 'hello', { protocol: 1, client: { name: 'x', version: '0' }, role: woken ? 'control' : 'app', app });
if (!woken) say(2, 'register', { task: 'feed', type: 'backgroundFetch', options: {} });
let text = '';
socket.on('data', (bytes) => {
  text += bytes;
  if (text.split('\\n').length > (woken ? 1 : 2)) {
    if (woken) fs.writeFileSync(program + '.heard', text);
    process.exit();
  }
});
";

#[test]
fn the_socket_of_a_wake_is_the_apps_alone() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let script = home.app_folder("com.example.impostor").join("index.mjs");
    std::fs::write(&script, IMPOSTOR).expect("written");
    let mut command = std::process::Command::new("node");
    command.arg(&script);
    home.inhabit(&mut command);
    let opened = crate::support::ran(&mut command);
    assert!(opened.status.success(), "{opened:?}");
    let mut journal = home.journal();
    home.run(&["fetch", "com.example.impostor"]);
    journal.outcome("com.example.impostor");
    let heard = std::fs::read_to_string(script.with_extension("mjs.heard")).expect("it was woken");
    assert!(heard.contains("E_FORBIDDEN"), "{heard}");
}

#[test]
fn tasks_are_called_where_they_are_defined() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let manifest = home.app_folder(NATIVE).join("app.json");
    let mut first = Wire::connect(&home.socket());
    first.ask("hello", &native(&manifest, &["feed"])).expect("an app");
    first
        .ask("register", &json!({ "task": "feed", "type": "backgroundFetch", "options": {} }))
        .expect("a task");
    let mut second = Wire::connect(&home.socket());
    second.ask("hello", &native(&manifest, &["other"])).expect("the same app once more");
    let mut third = Wire::connect(&home.socket());
    third.ask("hello", &native(&manifest, &[])).expect("and again");
    let mut journal = home.journal();
    home.done(&["fetch", NATIVE, "--no-wait"]);
    let execute = first.read().expect("it defines the task");
    let event = &execute["params"]["executionInfo"]["eventId"];
    first.ask("finish", &json!({ "eventId": event, "result": 2 })).expect("an answer");
    journal.wake_with(NATIVE, "new_data");
    drop(first);
    wait_until("the host has heard of it", || {
        home.done(&["fetch", NATIVE, "--no-wait"]);
        journal.outcome(NATIVE) == json!({ "not_started": "load" })
    });
    assert_eq!(home.json(&["tasks"])[0]["orphan"], false, "a window that does not define it is not asked");
    let mut control = Wire::connect(&home.socket());
    control.ask("hello", &hello("control")).expect("the user is the user all the same");
}
