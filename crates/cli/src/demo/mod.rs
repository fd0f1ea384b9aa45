//! `bgfetch demo`: the documented program, a real host, a real store, real kills. Only the times are shortened.

mod feed;

use crate::args::{Common, Demo};
use crate::client::Client;
use crate::exit::Failure;
use crate::private_host::PrivateHost;
use crate::{sdk, show, verbs};
use bgfetch_wire::control::{AskLog, AskTasks, AskWhy, LogEntry};
use feed::{Feed, Mood};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const APP: &str = "com.example.demo-reader";
const CONFIG: &str = "# Shortened for the demo; the defaults are 30 s, 5 s, 2 s, 1 min and 30 s.
limit = \"3s\"\nwarning = \"1s\"\ngrace = \"1s\"\ninterval-min = \"1s\"\nback-off-first = \"3s\"\n";

/// Longer than any scene takes on a loaded machine.
const SCENE_MAX: Duration = Duration::from_mins(1);

pub(crate) fn run(_common: &Common, demo: &Demo) -> Result<(), Failure> {
    let stage = Stage::set(demo.keep)?;
    say("A feed on loopback, a host of its own, and a reader written against the documented API alone.")?;
    say(
        "Real processes, a real store, real kills. Shortened: a wake may take 3 s (not 30), the shortest interval is",
    )?;
    say("1 s (not 1 min), the first back-off is 3 s (not 30).\n")?;
    let mut host = stage.host()?;
    let mut watch = Watch::begin(&host)?;
    scene(1, "The user opens the app once; it registers its task and sets a minimum interval of 2 s.")?;
    stage.open_app()?;
    watch.until("registered", None)?;

    scene(2, "The feed has something new: the host starts the app, and it answers NewData.")?;
    watch.until("ended", Some("new_data"))?;
    scene(3, "The feed is unchanged: NoData.")?;
    watch.until("ended", Some("no_data"))?;
    scene(4, "The feed fails: Failed, and the host backs off.")?;
    stage.feed.becomes(Mood::Fails);
    watch.until("ended", Some("failed"))?;
    show::print(&why(&mut host.client()?)?)?;
    scene(
        5,
        "The feed hangs: the app is warned, overruns its limit, and is terminated with all it started.",
    )?;
    stage.feed.becomes(Mood::Hangs);
    watch.until("ended", Some("expired"))?;
    scene(6, "The host is killed with SIGKILL in the middle of a wake.")?;
    watch.until("begun", None)?;
    let process = host.process();
    host.kill()?;
    say(&format!("host {process} killed; its shepherds end what it had started"))?;
    stage.feed.becomes(Mood::Serves("a third story".to_owned()));
    scene(
        7,
        "It is started again: the registration is there, and the wake that nobody saw end is recorded as lost.",
    )?;
    host = stage.host()?;
    watch = Watch::begin(&host)?;
    let restored = host.client()?.call(AskTasks::default())?;
    say(&format!("restored: {} task of {APP}, `{}`", restored.len(), restored[0].task))?;
    watch.until("ended", Some("new_data"))?;
    scene(8, "And why does it not run now?")?;
    show::print(&why(&mut host.client()?)?)?;
    stage.leave()
}

fn why(client: &mut Client) -> Result<String, Failure> {
    let view = client.call(AskWhy { app: APP.to_owned() })?;
    let text = verbs::why::text(&view).map_err(Failure::other)?;
    Ok(show::indented(text.lines().take_while(|line| *line != "Lately:"), "    "))
}

fn scene(number: u32, title: &str) -> Result<(), Failure> {
    show::print(&format!("\n{number}. {title}\n"))
}

fn say(text: &str) -> Result<(), Failure> {
    show::print(&format!("   {text}\n"))
}

/// Where it all happens.
struct Stage {
    folder: PathBuf,
    feed: Feed,
    keep: bool,
}

impl Stage {
    fn set(keep: bool) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("bgfetch-demo-{}", std::process::id()));
        let files = [("app.json", include_str!("app.json")), ("reader.mjs", include_str!("reader.mjs"))];
        private_folder(&folder).and_then(|()| private_folder(&folder.join("app"))).map_err(Failure::other)?;
        for (name, text) in files {
            std::fs::write(folder.join("app").join(name), text).map_err(Failure::other)?;
        }
        let feed = Feed::start(Mood::Serves("a first story".to_owned())).map_err(Failure::other)?;
        Ok(Self { folder, feed, keep })
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("host.sock")
    }

    fn host(&self) -> Result<PrivateHost, Failure> {
        let host = PrivateHost::start(&self.folder, &self.socket(), CONFIG)?;
        say(&format!("host {} serves on `{}`", host.process(), self.socket().display()))?;
        Ok(host)
    }

    /// What a user's click does: starts the app in the foreground.
    fn open_app(&self) -> Result<(), Failure> {
        let mut app = Command::new("node");
        app.arg("--require").arg(sdk::preload()?).arg(self.folder.join("app/reader.mjs"));
        app.arg(self.feed.url()).env(bgfetch_wire::SOCKET_VARIABLE, self.socket());
        let status = app.status().map_err(|error| {
            Failure::Other(format!(
                "the demo's app needs `node` (20 or newer), which can not be started: {error}"
            ))
        })?;
        if status.success() { Ok(()) } else { Err(Failure::Other(format!("the app ended with {status}"))) }
    }

    fn leave(self) -> Result<(), Failure> {
        if self.keep {
            return say(&format!("\n   kept: `{}`", self.folder.display()));
        }
        std::fs::remove_dir_all(&self.folder).map_err(Failure::other)
    }
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// A view of the journal, entry by entry.
struct Watch {
    client: Client,
}

impl Watch {
    fn begin(host: &PrivateHost) -> Result<Self, Failure> {
        let mut client = host.client()?;
        let past = client.call(AskLog { follow: true, last: Some(20), ..AskLog::default() })?;
        let since = past.entries.iter().rposition(|entry| entry.event == "host_started").unwrap_or(0);
        past.entries[since..].iter().try_for_each(show_entry)?;
        Ok(Self { client })
    }

    /// Shows entries until one of `event`, with `outcome` if one is given.
    fn until(&mut self, event: &str, outcome: Option<&str>) -> Result<(), Failure> {
        loop {
            let entry = self.client.next_entry(Some(SCENE_MAX))?;
            show_entry(&entry)?;
            let as_wanted = outcome.is_none() || entry.data.get("outcome").and_then(Value::as_str) == outcome;
            if entry.event == event && as_wanted {
                return Ok(());
            }
        }
    }
}

fn show_entry(entry: &LogEntry) -> Result<(), Failure> {
    let time = show::moment(Some(entry.unix_ms));
    let wake = entry.wake.map_or_else(String::new, |wake| format!("wake {wake}: "));
    show::print(&format!("   {}  {wake}{}\n", &time[11.min(time.len())..], entry.text))
}
