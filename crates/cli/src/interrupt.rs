//! Ctrl-C and its like, for a verb that has something to end in order first.

use crate::exit::Failure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::signal::unix::{SignalKind, signal};

const INTERRUPT: SignalKind = SignalKind::interrupt();
const TERMINATE: SignalKind = SignalKind::terminate();
const HANGUP: SignalKind = SignalKind::hangup();

/// Hears the signals that end a program, instead of being ended by them.
pub(crate) struct Interrupt {
    /// The first one that came; 0 for none.
    first: Arc<AtomicU8>,
}

impl Interrupt {
    /// From now on, `ended` is called for each of `SIGINT`, `SIGTERM` and `SIGHUP`, with how many came before, in a thread
    /// of its own.
    pub(crate) fn hear(mut ended: impl FnMut(usize) + Send + 'static) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(Failure::other)?;
        let mut signals = {
            let _entered = runtime.enter();
            let heard = |kind| signal(kind).map_err(Failure::other);
            (heard(INTERRUPT)?, heard(TERMINATE)?, heard(HANGUP)?)
        };
        let first = Arc::new(AtomicU8::new(0));
        let noted = Arc::clone(&first);
        std::thread::spawn(move || {
            runtime.block_on(async {
                for before in 0.. {
                    let kind = tokio::select! {
                        _ = signals.0.recv() => INTERRUPT,
                        _ = signals.1.recv() => TERMINATE,
                        _ = signals.2.recv() => HANGUP,
                    };
                    let number = u8::try_from(kind.as_raw_value()).unwrap_or(u8::MAX);
                    let _ = noted.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
                    ended(before);
                }
            });
        });
        Ok(Self { first })
    }

    /// `result`, or the signal that made it so.
    pub(crate) fn outcome(&self, result: Result<(), Failure>) -> Result<(), Failure> {
        match self.first.load(Ordering::SeqCst) {
            0 => result,
            number => Err(Failure::Signal(number)),
        }
    }
}
