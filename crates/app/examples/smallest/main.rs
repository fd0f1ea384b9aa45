//! The smallest app: it registers itself when you start it, and is started by the host from then on.
//!
//! Start `bgfetch host` in another terminal, then `cargo run --example smallest`; `bgfetch next` says when the host
//! will start it, `bgfetch fetch com.example.smallest` makes it now.

use background_fetch::{ConnectOptions, Event, FetchResult, TaskManager};
use std::time::Duration;

async fn greet(event: Event) -> FetchResult {
    println!("woken because {}", event.reason.text);
    FetchResult::NewData
}

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut tasks = TaskManager::new();
    tasks.define_task("greet", greet)?;
    // An installed program has its manifest beside it and calls `connect`.
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/smallest/bgfetch.toml");
    let mut app = tasks.connect_with(&ConnectOptions::new().manifest(manifest))?;
    if app.wake().is_some() {
        app.serve_blocking()?;
        return Ok(());
    }
    app.background_fetch().register_task("greet").wait()?;
    let interval = app.background_fetch().set_minimum_interval(Duration::from_mins(1)).wait()?;
    println!("{} is registered and is woken every {interval:?} at most", app.id());
    Ok(())
}
