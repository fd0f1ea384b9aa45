//! One wake's own task: its clock, its process or its connection, and exactly one end.

use super::Event;
use crate::launch::{Event as LaunchEvent, Launched, Report, Stream};
use bgfetch_core::{Settings, Span, WakeId};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// What the loop tells a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Every task has answered: it may stay for the linger time and then has to go.
    Settle,
    /// It has to go now, within the grace.
    Stop,
    /// The connection on which it was called is gone.
    Disconnected,
}

/// What a wake tells the loop.
#[derive(Debug)]
pub(crate) enum WakeEvent {
    /// Its program wrote this.
    Output(Stream, Vec<u8>),
    /// The limit is near.
    Warning {
        /// What is left.
        remaining: Span,
    },
    /// Its processes are gone.
    Gone(Box<Report>),
    /// It was called where it runs, and that is over.
    Released(Release),
}

/// How a call of a running app is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Release {
    /// It answered, or its connection closed.
    Over,
    /// The limit passed.
    Limit,
    /// It was stopped and its grace passed.
    Stopped,
}

pub(crate) type Orders = mpsc::UnboundedReceiver<Order>;

fn duration(span: Span) -> Duration {
    Duration::from_millis(span.as_millis())
}

/// Where in a wake's life the next moment of its own clock stands.
struct Moments {
    warning: Option<Instant>,
    /// The end of the linger time or of the limit, whichever the caller waits for.
    end: Option<Instant>,
    remaining: Span,
}

impl Moments {
    fn new(settings: &Settings) -> Self {
        let before = duration(settings.limit).saturating_sub(duration(settings.warning));
        Self { warning: Some(Instant::now() + before), end: None, remaining: settings.warning }
    }

    /// Waits for the warning, and reports it once.
    async fn warn(&mut self) -> WakeEvent {
        match self.warning {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
        self.warning = None;
        WakeEvent::Warning { remaining: self.remaining }
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Follows a wake that the host started. Its shepherd keeps the limit by itself.
pub(crate) async fn headless(
    wake: WakeId,
    mut launched: Launched,
    settings: Settings,
    mut orders: Orders,
    events: mpsc::Sender<Event>,
) {
    let mut moments = Moments::new(&settings);
    let mut open = true;
    loop {
        let end = moments.end;
        let event = tokio::select! {
            event = launched.event() => match event {
                LaunchEvent::Started(_) => continue,
                LaunchEvent::Output { stream, bytes } => WakeEvent::Output(stream, bytes),
                LaunchEvent::Ended(report) => {
                    let _ = events.send(Event::Wake(wake, WakeEvent::Gone(Box::new(report)))).await;
                    return;
                }
            },
            event = moments.warn() => event,
            order = orders.recv(), if open => {
                match order {
                    Some(Order::Settle) => {
                        moments.warning = None;
                        moments.end = Some(Instant::now() + duration(settings.linger));
                    }
                    Some(Order::Stop) => launched.stop(duration(settings.grace)),
                    Some(Order::Disconnected) => {}
                    None => {
                        open = false;
                        launched.kill();
                    }
                }
                continue;
            }
            () = until(end) => {
                moments.end = None;
                launched.stop(duration(settings.grace));
                continue;
            }
        };
        let _ = events.send(Event::Wake(wake, event)).await;
    }
}

/// Follows a wake of an app that runs already and is called there. What the host did not start it does not kill: at
/// the limit the wake is over, and the app goes on.
pub(crate) async fn called(
    wake: WakeId,
    settings: Settings,
    mut orders: Orders,
    events: mpsc::Sender<Event>,
) {
    let mut moments = Moments::new(&settings);
    let limit = Instant::now() + duration(settings.limit);
    let release = loop {
        let end = moments.end;
        tokio::select! {
            event = moments.warn() => {
                let _ = events.send(Event::Wake(wake, event)).await;
            }
            order = orders.recv() => match order {
                Some(Order::Stop) => {
                    moments.warning = None;
                    moments.end = Some(Instant::now() + duration(settings.grace));
                }
                Some(Order::Settle | Order::Disconnected) | None => break Release::Over,
            },
            () = until(end) => break Release::Stopped,
            () = sleep_until(limit) => break Release::Limit,
        }
    };
    let _ = events.send(Event::Wake(wake, WakeEvent::Released(release))).await;
}
