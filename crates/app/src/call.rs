//! A question to the host: awaited under any runtime, or waited for without one.

use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::EncodeError;
use bgfetch_wire::options::TaskOptionsError;
use futures_util::future::BoxFuture;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// The word of a call whose answer cannot come, which no host sends.
const DISCONNECTED: &str = "E_DISCONNECTED";

/// A question to the host.
///
/// It is a future for programs with a runtime, whichever it is, and [`wait`](Self::wait) is for those without. Nothing
/// is sent before it is polled or waited for. A call whose answer never comes ends with the connection, as
/// [`CallError::Disconnected`].
#[must_use = "a call does nothing until it is awaited or waited for"]
pub struct Call<T> {
    future: BoxFuture<'static, Result<T, CallError>>,
}

/// Why the host did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The program does not define the task that it registers.
    #[error("the task `{0}` is not defined: call `TaskManager::define_task` with that name before `connect`")]
    NotDefined(String),
    /// The task's options cannot be kept.
    #[error(transparent)]
    Options(#[from] TaskOptionsError),
    /// The host refused, for a documented reason: see [`CallError::code`].
    #[error("{0}")]
    Refused(ErrorObject),
    /// There is no connection to the host at present, or it ended before the answer came (`E_DISCONNECTED`). What was asked may have
    /// happened or not; registering once more does no harm.
    #[error("the connection to the host ended before it answered: ask again once `bgfetch host` runs")]
    Disconnected,
    /// Too many questions wait for their answers.
    #[error("{waiting} calls wait for the host's answer, as many as may: await them before the next")]
    TooMany {
        /// How many wait.
        waiting: usize,
    },
    /// The question does not fit a message.
    #[error(transparent)]
    TooLarge(#[from] EncodeError),
    /// The answer does not have the contract's form.
    #[error("the host's answer to `{method}` has another form than agreed: {detail}")]
    Answer {
        /// What was asked.
        method: &'static str,
        /// What is wrong with the answer.
        detail: String,
    },
}

impl<T> Call<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T, CallError>> + Send + 'static) -> Self {
        Self { future: Box::pin(future) }
    }

    /// Asks, and blocks the thread until the answer is there.
    ///
    /// For programs without a runtime. Within a task or under a runtime, await the call instead, so that what else
    /// runs on the thread goes on.
    pub fn wait(self) -> Result<T, CallError> {
        block_on(self.future)
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(context)
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl CallError {
    /// The documented code, if the host gave one that this version knows.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => error.known_code(),
            Self::Options(_) => Some(ErrorCode::InvalidOptions),
            Self::NotDefined(_)
            | Self::Disconnected
            | Self::TooMany { .. }
            | Self::TooLarge(_)
            | Self::Answer { .. } => None,
        }
    }

    /// The code as a word, e.g. `E_BACKGROUND_FETCH_DISABLED`, also if it is a newer host's and not known here.
    pub fn code_text(&self) -> Option<&str> {
        match self {
            Self::Refused(error) => error.code_text(),
            Self::Disconnected => Some(DISCONNECTED),
            Self::Options(_)
            | Self::NotDefined(_)
            | Self::TooMany { .. }
            | Self::TooLarge(_)
            | Self::Answer { .. } => self.code().map(ErrorCode::text),
        }
    }
}

/// Polls `future` on this thread, which sleeps between two polls.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_channel::oneshot;

    #[test]
    fn a_thread_sleeps_until_another_wakes_it_also_within_itself() {
        let (sender, receiver) = oneshot::channel();
        let other = thread::spawn(move || sender.send(7));
        let nested = block_on(async { block_on(receiver) });
        assert_eq!(nested, Ok(7));
        assert_eq!(other.join().expect("it ends"), Ok(()));
    }

    #[test]
    fn every_error_of_the_host_keeps_its_word() {
        let newer = ErrorObject {
            code: -32099,
            message: "x".into(),
            data: Some(serde_json::json!({"code":"E_NEW"})),
        };
        let error = CallError::Refused(newer);
        assert_eq!((error.code(), error.code_text()), (None, Some("E_NEW")));
        let error = CallError::Refused(ErrorObject::background_fetch_disabled());
        assert_eq!(error.code(), Some(ErrorCode::BackgroundFetchDisabled));
        assert_eq!(CallError::Disconnected.code_text(), Some("E_DISCONNECTED"));
    }
}
