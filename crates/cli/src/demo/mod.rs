//! `bgfetch demo`: the documented program, a real host, a real store, real kills. Only the times are shortened.

mod feed;

use crate::args::{Common, Demo};
use crate::client::Client;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::private_host::{Order, PrivateHost};
use crate::{node, sdk, show, verbs};
use bgfetch_wire::control::{AskLog, AskTasks, AskWhy, LogEntry};
use feed::{Feed, Mood};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const APP: &str = "com.example.demo-reader";
const CONFIG: &str = "# Shortened for the demo; the defaults are 30 s, 5 s, 2 s, 1 min and 30 s.
limit = \"3s\"\nwarning = \"1s\"\ngrace = \"1s\"\ninterval-min = \"1s\"\nback-off-first = \"3s\"\n";

/// Longer than any scene takes on a loaded machine.
const SCENE_MAX: Duration = Duration::from_mins(1);

pub(crate) fn run(common: &Common, demo: &Demo) -> Result<(), Failure> {
    verbs::refuse_socket(common)?;
    let node = node::version()?;
    let show = Show { json: common.json };
    let stage = Stage::set(demo.keep)?;
    let (order, interrupted) = (Arc::new(Mutex::new(None::<Order>)), Arc::new(AtomicBool::new(false)));
    let interrupt = {
        let (order, interrupted) = (Arc::clone(&order), Arc::clone(&interrupted));
        Interrupt::hear(move |_| {
            interrupted.store(true, Ordering::SeqCst);
            if let Some(order) = &*order.lock().unwrap_or_else(PoisonError::into_inner) {
                order.give();
            }
        })?
    };
    let begin_host = || {
        let host = stage.host(show)?;
        *order.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.order());
        if interrupted.load(Ordering::SeqCst) {
            host.order().give();
        }
        Ok(host)
    };
    show.say(
        "A feed on loopback, a host of its own, and a reader written against the documented API alone.",
    )?;
    show.say(&format!(
        "Real processes (Node {node}), a real store, real kills. Shortened: a wake may take 3 s (not 30), the"
    ))?;
    show.say("shortest interval is 1 s (not 1 min), the first back-off is 3 s (not 30).\n")?;
    let played = play(show, &stage, begin_host);
    // A host that is still there has ended by now: it went with the play.
    let left = stage.leave(show);
    interrupt.outcome(played.and(left))
}

/// The scenes, each with what must come of it.
fn play(
    show: Show,
    stage: &Stage,
    begin_host: impl Fn() -> Result<PrivateHost, Failure>,
) -> Result<(), Failure> {
    let mut host = begin_host()?;
    let mut watch = Watch::begin(show, &host)?;
    watch
        .scene(1, "The user opens the app once; it registers its task and sets a minimum interval of 2 s.")?;
    stage.open_app(show)?;
    watch.until("registered", None)?;

    watch.scene(2, "The feed has something new: the host starts the app, and it answers NewData.")?;
    watch.until("ended", Some("new_data"))?;
    watch.scene(3, "The feed is unchanged: NoData.")?;
    watch.until("ended", Some("no_data"))?;
    watch.scene(4, "The feed fails: Failed, and the host backs off.")?;
    stage.feed.becomes(Mood::Fails);
    watch.until("ended", Some("failed"))?;
    show.why(&mut host.client()?)?;
    let title =
        "The feed hangs: the app is warned, overruns its limit, and is terminated with all it started.";
    watch.scene(5, title)?;
    stage.feed.becomes(Mood::Hangs);
    watch.until("ended", Some("expired"))?;
    watch.scene(6, "The host is killed with SIGKILL in the middle of a wake.")?;
    watch.until("begun", None)?;
    let process = host.process();
    host.kill()?;
    show.say(&format!("host {process} killed; its shepherds end what it had started"))?;
    stage.feed.becomes(Mood::Serves("a third story".to_owned()));
    let title = "It is started again: the registration is there, and the wake that nobody saw end is recorded as lost.";
    show.scene(7, title)?;
    host = begin_host()?;
    watch = Watch::begin(show, &host)?;
    watch.scene = 7;
    let restored = host.client()?.call(AskTasks::default())?;
    let [task] = restored.as_slice() else {
        return Err(Failure::Other(format!(
            "scene 7 failed: {} tasks are registered, not 1",
            restored.len()
        )));
    };
    show.say(&format!("restored: 1 task of {APP}, `{}`", task.task))?;
    watch.until("ended", Some("new_data"))?;
    watch.scene(8, "And why does it not run now?")?;
    show.why(&mut host.client()?)
}

/// How the play is shown: in words, or as the journal's entries, one JSON object a line.
#[derive(Clone, Copy)]
struct Show {
    json: bool,
}

impl Show {
    fn scene(self, number: u32, title: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { show::print(&format!("\n{number}. {title}\n")) }
    }

    fn say(self, text: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { show::print(&format!("   {text}\n")) }
    }

    fn why(self, client: &mut Client) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        let view = client.call(AskWhy { app: APP.to_owned() })?;
        let text = verbs::why::text(&view).map_err(Failure::other)?;
        show::print(&show::indented(text.lines().take_while(|line| *line != "Lately:"), "    "))
    }

    fn entry(self, entry: &LogEntry) -> Result<(), Failure> {
        if self.json {
            return show::print_json_line(entry);
        }
        let time = show::moment(Some(entry.unix_ms));
        let wake = entry.wake.map_or_else(String::new, |wake| format!("wake {wake}: "));
        let text = show::line(&entry.text);
        show::print(&format!("   {}  {wake}{text}\n", &time[11.min(time.len())..]))
    }
}

/// Where it all happens. Its folder goes with it, unless it is to be kept.
struct Stage {
    folder: PathBuf,
    feed: Feed,
    keep: bool,
}

impl Stage {
    fn set(keep: bool) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("bgfetch-demo-{}", std::process::id()));
        let files = [("app.json", include_str!("app.json")), ("reader.mjs", include_str!("reader.mjs"))];
        let feed = Feed::start(Mood::Serves("a first story".to_owned())).map_err(Failure::other)?;
        let failed = |error| Failure::Other(format!("`{}`: {error}", folder.display()));
        private_folder(&folder).map_err(failed)?;
        let stage = Self { folder: folder.clone(), feed, keep };
        private_folder(&folder.join("app")).map_err(failed)?;
        for (name, text) in files {
            std::fs::write(folder.join("app").join(name), text).map_err(failed)?;
        }
        Ok(stage)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("host.sock")
    }

    fn host(&self, show: Show) -> Result<PrivateHost, Failure> {
        let host = PrivateHost::start(&self.folder, &self.socket(), CONFIG)?;
        show.say(&format!("host {} serves on `{}`", host.process(), self.socket().display()))?;
        Ok(host)
    }

    /// What a user's click does: starts the app in the foreground.
    fn open_app(&self, show: Show) -> Result<(), Failure> {
        let mut app = Command::new("node");
        app.arg("--require").arg(sdk::lay_out(&self.folder)?).arg(self.folder.join("app/reader.mjs"));
        app.arg(self.feed.url()).env(bgfetch_wire::SOCKET_VARIABLE, self.socket());
        if show.json {
            // Standard output is for JSON alone.
            app.stdout(std::io::stderr());
        }
        let status =
            app.status().map_err(|error| Failure::Other(format!("`node` can not be started: {error}")))?;
        if status.success() { Ok(()) } else { Err(Failure::Other(format!("the app ended with {status}"))) }
    }

    /// Takes the folder away, or says where it stays.
    fn leave(mut self, show: Show) -> Result<(), Failure> {
        if self.keep {
            return show.say(&format!("\n   kept: `{}`", self.folder.display()));
        }
        self.keep = true;
        std::fs::remove_dir_all(&self.folder)
            .map_err(|error| Failure::Other(format!("`{}` stays: {error}", self.folder.display())))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

/// A view of the journal, entry by entry, scene by scene.
struct Watch {
    show: Show,
    client: Client,
    scene: u32,
}

impl Watch {
    fn begin(show: Show, host: &PrivateHost) -> Result<Self, Failure> {
        let mut client = host.client()?;
        let past = client.call(AskLog { follow: true, last: Some(20), ..AskLog::default() })?;
        let since = past.entries.iter().rposition(|entry| entry.event == "host_started").unwrap_or(0);
        past.entries[since..].iter().try_for_each(|entry| show.entry(entry))?;
        Ok(Self { show, client, scene: 0 })
    }

    fn scene(&mut self, number: u32, title: &str) -> Result<(), Failure> {
        self.scene = number;
        self.show.scene(number, title)
    }

    /// Shows entries until one of `event`, with `outcome` if one is given.
    fn until(&mut self, event: &str, outcome: Option<&str>) -> Result<(), Failure> {
        let deadline = Instant::now() + SCENE_MAX;
        let wanted = outcome.map_or_else(|| event.to_owned(), |outcome| format!("{event}: {outcome}"));
        loop {
            let entry = self.client.next_entry(Some(deadline)).map_err(|failure| {
                Failure::Other(format!("scene {} waited in vain for `{wanted}`: {failure}", self.scene))
            })?;
            self.show.entry(&entry)?;
            let as_wanted = outcome.is_none() || entry.data.get("outcome").and_then(Value::as_str) == outcome;
            if entry.event == event && as_wanted {
                return Ok(());
            }
            if Instant::now() > deadline {
                let seconds = SCENE_MAX.as_secs();
                return Err(Failure::Other(format!(
                    "scene {}: no `{wanted}` within {seconds} s",
                    self.scene
                )));
            }
        }
    }
}
