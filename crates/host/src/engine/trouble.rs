//! When the store can not be written: a full disk, a lost mount.
//!
//! What clients asked for is refused and undone; what happened (answers, ended wakes) is kept in memory and written as
//! soon as it can be. Until then no wake begins, and `why` says so.

use super::runs::Run;
use super::{Batch, Effect, Engine, EngineError, Reply};
use crate::clock;
use crate::store::{Program, StoreError, Write};
use bgfetch_core::{Input, Scheduler};
use bgfetch_wire::error::{ErrorCode, ErrorObject};

/// How long until the store is tried again, in milliseconds.
pub(super) const RETRY_MS: u64 = 5_000;

/// A store that could not be written.
pub(super) struct Trouble {
    error: StoreError,
    /// When it is tried again, on the boot clock: fixed when it failed, so that no traffic puts it off.
    pub(super) retry_boot_ms: u64,
}

impl Trouble {
    fn new(error: StoreError) -> Self {
        Self { error, retry_boot_ms: clock::sample().boot_ms + RETRY_MS }
    }

    pub(super) fn error(&self) -> &StoreError {
        &self.error
    }

    pub(super) fn into_error(self) -> StoreError {
        self.error
    }
}

impl Engine {
    /// The error for a request that would change something, while the store can not be written.
    pub(super) fn refuse_changes(&self) -> Result<(), ErrorObject> {
        match &self.trouble {
            Some(trouble) => Err(store_error(trouble.error())),
            None => Ok(()),
        }
    }

    /// Undoes a batch that could not be committed, but for what happened in it.
    pub(super) fn fall_back(&mut self, batch: Batch, error: StoreError) -> Result<(), EngineError> {
        if !error.may_heal() {
            // Written again it would fail again. What the store holds is sound; the next host goes on from there.
            return Err(error.into());
        }
        // What it was to hear of the clocks it has not heard.
        self.clock_due_boot_ms = 0;
        self.begin_again()?;
        let still = self.runs.values().map(Run::still_running).collect::<Vec<_>>();
        for input in still {
            let _ = self.feed(input);
        }
        for end in batch.ends {
            // A wake that the next host finds begun has no such input; it is lost all the same.
            if let Some(still) = end.still {
                let _ = self.feed(still);
            }
            let _ = self.feed(Input::WakeEnded { wake: end.wake, ending: end.ending });
        }
        if self.stopping {
            let _ = self.feed(Input::HostStopping);
        }
        self.keep_what_was_printed(batch.printed, batch.writes);
        self.refuse(batch.replies, &error);
        // A wake that was to begin is dropped with the shepherd prepared for it, and one that was to be stopped goes on:
        // whoever asked for that was refused.
        for effect in batch.effects {
            match effect {
                Effect::Settle(wake) => self.settle_run(wake),
                Effect::DropPeer(peer) => drop(self.peers.drop_peer(peer)),
                Effect::Wake(..) | Effect::Stop(..) | Effect::Forget(_) | Effect::Adopted(_) => {}
            }
        }
        self.trouble = Some(Trouble::new(error));
        Ok(())
    }

    /// Takes what the store holds for the truth, which it is.
    fn begin_again(&mut self) -> Result<(), EngineError> {
        let mut snapshot = self.store.load()?;
        snapshot.store_writable = false;
        self.programs = self.store.programs()?.into_iter().map(|known| (known.app.clone(), known)).collect();
        self.scheduler = Scheduler::new(self.config.settings, self.store.seed(), snapshot, self.now());
        self.drain();
        Ok(())
    }

    /// Outputs of wakes are bounded and belong to what happened; so does what a command's next output is compared with.
    fn keep_what_was_printed(&mut self, printed: Vec<Program>, writes: Vec<Write>) {
        let outputs = writes.into_iter().filter(|write| matches!(write, Write::Output(_)));
        self.batch.writes.extend(outputs);
        for program in printed {
            if self.programs.contains_key(&program.app) {
                self.programs.insert(program.app.clone(), program.clone());
                self.batch.writes.push(Write::Program(program));
            }
        }
    }

    /// Answers the requests of a batch that was undone. From the first change on nothing in it was as it seemed: what
    /// came later may have changed nothing only because of it.
    fn refuse(&mut self, replies: Vec<Reply>, error: &StoreError) {
        let mut undone = false;
        let mut answers = Vec::new();
        for reply in replies {
            undone |= reply.changes;
            if undone && reply.is_hello {
                self.peers.unknown_again(reply.peer);
            }
            answers.push(if undone { Reply { result: Err(store_error(error)), ..reply } } else { reply });
        }
        self.answer(answers);
    }

    /// Tries to write what waits.
    pub(super) fn retry(&mut self) -> Result<(), EngineError> {
        let mut writes = std::mem::take(&mut self.batch.writes);
        writes.push(Write::Clock(self.timeline.row(&clock::sample())));
        match self.store.commit(&writes) {
            Ok(()) => {
                self.trouble = None;
                let _ = self.feed(Input::StoreWritable);
            }
            Err(error) if error.may_heal() => {
                writes.pop();
                self.batch.writes = writes;
                self.trouble = Some(Trouble::new(error));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

pub(super) fn store_error(error: &StoreError) -> ErrorObject {
    ErrorObject::new(ErrorCode::Store, error.to_string())
}
