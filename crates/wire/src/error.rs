//! The documented errors: a number for JSON-RPC, a word for programs, a sentence for people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Every error the contract names. A newer host may send others: see [`ErrorObject::code_text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// The line is not JSON, or longer than a frame.
    Parse,
    /// The line is JSON and not a message.
    InvalidRequest,
    /// The method is not one of the contract's.
    MethodNotFound,
    /// The method's parameters have the wrong form.
    InvalidParams,
    /// The host failed in a way of its own.
    Internal,
    /// The app's manifest does not declare the background mode `fetch`.
    BackgroundFetchDisabled,
    /// The app has no registered task of that name.
    TaskNotFound,
    /// The task is of another type.
    InvalidTaskConsumer,
    /// The task's name is empty, too long, or not printable.
    InvalidName,
    /// The task's options are not an object, or too large.
    InvalidOptions,
    /// The interval is not a number of seconds.
    InvalidInterval,
    /// Another program holds the app's id.
    AppIdTaken,
    /// The manifest is missing, unreadable or broken.
    Manifest,
    /// The host cannot judge a constraint that the task asks for.
    UnsupportedConstraint,
    /// Something came before `hello`, or `hello` came twice.
    HelloFirst,
    /// The host does not speak that protocol.
    Protocol,
    /// The connection's role does not allow the method, or the process is not what it says.
    Forbidden,
    /// The host's store refused the change; nothing was changed.
    Store,
    /// The host knows no app of that id.
    UnknownApp,
    /// The host cannot take more at present; try again later.
    Busy,
}

/// The `error` of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorObject {
    /// JSON-RPC's number: [`ErrorCode::number`].
    pub code: i64,
    /// A sentence for people.
    pub message: String,
    /// `code` as a word, and what else belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorCode {
    /// All of them, by number.
    pub const ALL: [Self; 20] = [
        Self::Parse,
        Self::InvalidRequest,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::Internal,
        Self::BackgroundFetchDisabled,
        Self::TaskNotFound,
        Self::InvalidTaskConsumer,
        Self::InvalidName,
        Self::InvalidOptions,
        Self::InvalidInterval,
        Self::AppIdTaken,
        Self::Manifest,
        Self::UnsupportedConstraint,
        Self::HelloFirst,
        Self::Protocol,
        Self::Forbidden,
        Self::Store,
        Self::UnknownApp,
        Self::Busy,
    ];

    /// The word that programs compare: `data.code` of the error.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Parse => "E_PARSE",
            Self::InvalidRequest => "E_INVALID_REQUEST",
            Self::MethodNotFound => "E_METHOD_NOT_FOUND",
            Self::InvalidParams => "E_INVALID_PARAMS",
            Self::Internal => "E_INTERNAL",
            Self::BackgroundFetchDisabled => "E_BACKGROUND_FETCH_DISABLED",
            Self::TaskNotFound => "E_TASK_NOT_FOUND",
            Self::InvalidTaskConsumer => "E_INVALID_TASK_CONSUMER",
            Self::InvalidName => "E_INVALID_NAME",
            Self::InvalidOptions => "E_INVALID_OPTIONS",
            Self::InvalidInterval => "E_INVALID_INTERVAL",
            Self::AppIdTaken => "E_APP_ID_TAKEN",
            Self::Manifest => "E_MANIFEST",
            Self::UnsupportedConstraint => "E_UNSUPPORTED_CONSTRAINT",
            Self::HelloFirst => "E_HELLO_FIRST",
            Self::Protocol => "E_PROTOCOL",
            Self::Forbidden => "E_FORBIDDEN",
            Self::Store => "E_STORE",
            Self::UnknownApp => "E_UNKNOWN_APP",
            Self::Busy => "E_BUSY",
        }
    }

    /// JSON-RPC's number: its own from -32603 to -32600 and -32700, ours downwards from -32001.
    pub const fn number(self) -> i64 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::MethodNotFound => -32601,
            Self::InvalidParams => -32602,
            Self::Internal => -32603,
            Self::BackgroundFetchDisabled => -32001,
            Self::TaskNotFound => -32002,
            Self::InvalidTaskConsumer => -32003,
            Self::InvalidName => -32004,
            Self::InvalidOptions => -32005,
            Self::InvalidInterval => -32006,
            Self::AppIdTaken => -32007,
            Self::Manifest => -32008,
            Self::UnsupportedConstraint => -32009,
            Self::HelloFirst => -32010,
            Self::Protocol => -32011,
            Self::Forbidden => -32012,
            Self::Store => -32013,
            Self::UnknownApp => -32014,
            Self::Busy => -32015,
        }
    }

    /// The code with that word.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.text() == text)
    }
}

impl ErrorObject {
    /// An error with its word and its number.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let data = Map::from_iter([("code".to_owned(), Value::from(code.text()))]);
        Self { code: code.number(), message: message.into(), data: Some(Value::Object(data)) }
    }

    /// The same error with one more member in its `data`.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if let Some(Value::Object(data)) = &mut self.data {
            data.insert(member.to_owned(), value.into());
        }
        self
    }

    /// The word in `data.code`, known to this version or not.
    pub fn code_text(&self) -> Option<&str> {
        self.data.as_ref()?.get("code")?.as_str()
    }

    /// The code, if this version knows it.
    pub fn known_code(&self) -> Option<ErrorCode> {
        ErrorCode::from_text(self.code_text()?)
    }

    /// Registering while the manifest lacks the mode `fetch`, in the words of Expo SDK 32.
    pub fn background_fetch_disabled() -> Self {
        Self::new(
            ErrorCode::BackgroundFetchDisabled,
            "Background Fetch has not been configured. To enable it, add `fetch` to `UIBackgroundModes` in the \
             application's Info.plist file.",
        )
    }

    /// Unregistering a name that is not registered, in the words of Expo SDK 32.
    pub fn task_not_found(task: &str, app: &str) -> Self {
        Self::new(ErrorCode::TaskNotFound, format!("Task '{task}' not found for app ID '{app}'."))
    }

    /// Unregistering a task of another type, in the words of Expo SDK 32.
    pub fn invalid_task_consumer(task: &str) -> Self {
        Self::new(
            ErrorCode::InvalidTaskConsumer,
            format!(
                "Invalid task consumer. Cannot unregister task with name '{task}' because it is associated with \
                 different consumer class."
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_word_and_its_own_number() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_text(code.text()), Some(code));
            assert_eq!(ErrorCode::ALL.iter().filter(|other| other.number() == code.number()).count(), 1);
            assert_eq!(ErrorObject::new(code, "").known_code(), Some(code));
        }
    }

    #[test]
    fn a_code_of_a_newer_host_is_kept_as_its_word() {
        let error = ErrorObject {
            code: -32099,
            message: "x".into(),
            data: Some(serde_json::json!({"code":"E_NEW"})),
        };
        assert_eq!((error.code_text(), error.known_code()), (Some("E_NEW"), None));
    }
}
