//! A feed reader: one screen shows what is there, the other is the wake that looks for it.
//!
//! Its feed is a text file, one headline a line, named by the first argument. What it has found stands beside it, with
//! `.found` at its name's end: a wake is a process of its own, and what it is to remember it must write down.
//!
//! Start `bgfetch host` in another terminal, then `cargo run --example reader -- headlines.txt`; add a line to the
//! file, run `bgfetch fetch com.example.reader`, and start the reader again.

use background_fetch::{ConnectOptions, FetchResult, TaskManager};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::Duration;
use std::{env, fs, io, path};

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let feed = env::args_os().nth(1).ok_or("which feed? give a file with one headline a line")?;
    let feed = path::absolute(feed)?;
    let task_feed = feed.clone();
    let mut tasks = TaskManager::new();
    tasks.define_blocking_task("headlines", move |_| look(&task_feed))?;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/reader/bgfetch.toml");
    // A wake starts this program with the same feed, whatever the folder it was named in.
    let options = ConnectOptions::new().manifest(manifest).arguments([feed.display().to_string()]);
    let mut app = tasks.connect_with(&options)?;
    if app.wake().is_some() {
        app.serve_blocking()?;
        return Ok(());
    }
    app.opened().wait()?;
    app.background_fetch().register_task("headlines").wait()?;
    app.background_fetch().set_minimum_interval(Duration::from_mins(15)).wait()?;
    let headlines = fs::read_to_string(found(&feed)).unwrap_or_default();
    println!("{} headlines found in the background\n{headlines}", headlines.lines().count());
    Ok(())
}

/// The wake. An error is a failed run, and while it lasts the host comes again later and later.
fn look(feed: &Path) -> io::Result<FetchResult> {
    let headlines = fs::read_to_string(feed)?;
    if fs::read_to_string(found(feed)).is_ok_and(|known| known == headlines) {
        return Ok(FetchResult::NoData);
    }
    fs::write(found(feed), headlines)?;
    Ok(FetchResult::NewData)
}

/// What the wakes have found, beside the feed itself.
fn found(feed: &Path) -> PathBuf {
    feed.with_added_extension("found")
}
