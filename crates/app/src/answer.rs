//! What a task says when it ends.

use bgfetch_wire::value::FetchResult;
use std::fmt::Display;

/// What a task says when it ends: a result, and a message for the journal if there is something to tell.
///
/// A task seldom makes one itself. It returns what it has, and the conversions do the rest:
///
/// | the task returns | the host hears |
/// | --- | --- |
/// | [`FetchResult`] | that result |
/// | `()` or `None` | nothing, which counts as [`FetchResult::NoData`] |
/// | `Ok(x)` | what `x` would mean |
/// | `Err(error)` | [`FetchResult::Failed`], with the error's text as message |
///
/// ```
/// use background_fetch::{FetchResult, TaskAnswer};
///
/// let answer: TaskAnswer = Ok::<_, std::io::Error>(FetchResult::NewData).into();
/// assert_eq!(answer.result(), Some(FetchResult::NewData));
///
/// let answer: TaskAnswer = Err::<(), _>("the feed is gone").into();
/// assert_eq!((answer.result(), answer.message()), (Some(FetchResult::Failed), Some("the feed is gone")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskAnswer {
    result: Option<FetchResult>,
    message: Option<String>,
}

impl TaskAnswer {
    /// The longest message that is sent, in bytes of UTF-8. What is longer is cut at a character's end.
    pub const MESSAGE_BYTES_MAX: usize = 4 << 10;

    /// [`FetchResult::Failed`], with a message for the journal.
    ///
    /// The message is the error's alternate form (`{:#}`), in which error types that carry their causes show them.
    pub fn failed(error: impl Display) -> Self {
        Self { result: Some(FetchResult::Failed), message: None }.with_message(format!("{error:#}"))
    }

    /// The same answer with a message for the journal, shown by `bgfetch log`.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(Self::MESSAGE_BYTES_MAX));
        self.message = Some(message);
        self
    }

    /// The result; `None` counts as [`FetchResult::NoData`].
    pub fn result(&self) -> Option<FetchResult> {
        self.result
    }

    /// The message for the journal.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

impl From<FetchResult> for TaskAnswer {
    fn from(result: FetchResult) -> Self {
        Self { result: Some(result), message: None }
    }
}

impl From<Option<FetchResult>> for TaskAnswer {
    fn from(result: Option<FetchResult>) -> Self {
        Self { result, message: None }
    }
}

impl From<()> for TaskAnswer {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl<T: Into<Self>, E: Display> From<Result<T, E>> for TaskAnswer {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(answer) => answer.into(),
            Err(error) => Self::failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_at_the_end_of_a_character() {
        let answer = TaskAnswer::failed("é".repeat(TaskAnswer::MESSAGE_BYTES_MAX) + "x");
        assert_eq!(answer.message().map(str::len), Some(TaskAnswer::MESSAGE_BYTES_MAX));
        let answer = TaskAnswer::failed("x".to_owned() + &"é".repeat(TaskAnswer::MESSAGE_BYTES_MAX));
        assert_eq!(answer.message().map(str::len), Some(TaskAnswer::MESSAGE_BYTES_MAX - 1));
    }

    #[test]
    fn nothing_is_no_result_and_an_error_is_failed() {
        assert_eq!(TaskAnswer::from(()).result(), None);
        assert_eq!(TaskAnswer::from(Ok::<(), String>(())).result(), None);
        assert_eq!(TaskAnswer::from(Err::<FetchResult, _>("no")).result(), Some(FetchResult::Failed));
    }
}
