//! When the store can not be written: a full disk, a lost mount.
//!
//! What clients asked for is refused and undone; what happened (answers, ended wakes) is kept in memory and written as
//! soon as it can be. Until then no wake begins, and `why` says so.

use super::{Batch, Effect, Engine, EngineError, Reply};
use crate::clock;
use crate::store::{StoreError, Write};
use bgfetch_core::{Input, Scheduler};
use bgfetch_wire::error::{ErrorCode, ErrorObject};

/// How long until the store is tried again, in milliseconds.
pub(super) const RETRY_MS: u64 = 5_000;

impl Engine {
    /// The error for a request that would change something, while the store can not be written.
    pub(super) fn refuse_changes(&self) -> Result<(), ErrorObject> {
        match &self.trouble {
            Some(error) => Err(store_error(error)),
            None => Ok(()),
        }
    }

    /// Undoes a batch that could not be committed, but for what happened in it.
    pub(super) fn fall_back(&mut self, batch: Batch, error: StoreError) -> Result<(), EngineError> {
        if !error.may_heal() {
            // Written again it would fail again. What the store holds is sound; the next host goes on from there.
            return Err(error.into());
        }
        let mut snapshot = self.store.load()?;
        snapshot.store_writable = false;
        self.programs = self.store.programs()?.into_iter().map(|known| (known.app.clone(), known)).collect();
        self.scheduler = Scheduler::new(self.config.settings, self.store.seed(), snapshot, self.now());
        self.drain();
        let of_runs: Vec<_> = self.runs.values().flat_map(super::runs::Run::facts).collect();
        for fact in of_runs.into_iter().chain(batch.facts) {
            let _ = self.feed(fact);
        }
        // Outputs of wakes are bounded and belong to what happened.
        let outputs = batch.writes.into_iter().filter(|write| matches!(write, Write::Output(_)));
        self.batch.writes.extend(outputs);
        let refused = batch.replies.into_iter().map(|reply| {
            if reply.changes { Reply { result: Err(store_error(&error)), ..reply } } else { reply }
        });
        let refused = refused.collect();
        self.answer(refused);
        // A wake that was to begin is dropped with the shepherd prepared for it; the rest concerns wakes that run.
        let rest = batch.effects.into_iter().filter(|effect| !matches!(effect, Effect::Wake(..)));
        self.perform_all(rest.collect());
        self.trouble = Some(error);
        Ok(())
    }

    /// Tries to write what waits.
    pub(super) fn retry(&mut self) {
        let mut writes = std::mem::take(&mut self.batch.writes);
        writes.push(Write::Clock(self.timeline.row(&clock::sample())));
        match self.store.commit(&writes) {
            Ok(()) => {
                self.batch.facts.clear();
                self.trouble = None;
                let _ = self.feed(Input::StoreWritable);
            }
            Err(error) => {
                writes.pop();
                self.batch.writes = writes;
                self.trouble = Some(error);
            }
        }
    }
}

pub(super) fn store_error(error: &StoreError) -> ErrorObject {
    ErrorObject::new(ErrorCode::Store, error.to_string())
}
