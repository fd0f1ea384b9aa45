//! An app connects: it tells the host who it is and how to start it again, and hears who the host takes it for. Which
//! tasks it has is told once somebody runs them, so that a program that only registers is not called.

use super::script::{Host, connecting_with};
use background_fetch::TaskManager;
use serde_json::json;

#[test]
fn the_host_hears_who_speaks_and_how_to_start_it_again() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    tasks.define_task("feed", |_| async {}).expect("defined");
    let connecting = connecting_with(tasks, host.options().arguments(["--wake"]));
    let hello = host.accept().answer_hello();
    let app = connecting.join().expect("a thread").expect("connected");

    let program = std::env::current_exe().expect("this program");
    let said = &hello["params"];
    assert_eq!(said["protocol"], 1);
    assert_eq!(said["client"]["name"], "background-fetch");
    assert_eq!(said["role"], "app");
    assert_eq!(said["app"]["manifest"], json!(host.folder.path()));
    assert_eq!(said["app"]["program"], json!(program));
    assert_eq!(said["app"]["launch"]["program"], json!(program));
    assert_eq!(said["app"]["launch"]["args"], json!(["--wake"]));
    assert_eq!(said["app"]["launch"]["cwd"], json!(std::env::current_dir().expect("a folder")));
    assert_eq!(said["app"]["launch"]["env"]["PATH"], json!(std::env::var("PATH").expect("a path")));
    assert_eq!(said["app"].get("defined"), None);
    assert_eq!((app.id(), app.wake()), ("com.example.reader", None));
    assert_eq!(app.limit().as_secs(), 30);
}

#[test]
fn what_is_defined_is_told_once_tasks_are_run() {
    let host = Host::new();
    let mut tasks = TaskManager::new();
    for name in ["mail", "feed"] {
        tasks.define_task(name, |_| async {}).expect("defined");
    }
    let (mut app, mut peer) = host.connected(tasks);
    let shutdown = app.shutdown();
    let serving = std::thread::spawn(move || app.serve_blocking());
    assert_eq!(peer.answer_ready()["params"], json!({"defined": ["feed", "mail"]}));
    shutdown.shut_down();
    assert_eq!(serving.join().expect("a thread").expect("in order"), background_fetch::Served::ShutDown);
    assert_eq!(peer.next(), None, "the connection ends with the app, and nothing else was said");
}
