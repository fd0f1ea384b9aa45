//! Names, parsed once at the border: what holds one of these types needs no second look.

use core::fmt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest app id or task name, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

/// An app's id, e.g. `com.example.reader`: parts of letters, digits, `-` and `_`, joined by dots, at least two parts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppId(Arc<str>);

/// A task's name, as the app chose it: any text of 1 to 256 bytes without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskName(Arc<str>);

/// Why a text is not an app's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppIdError {
    /// It has no characters.
    #[error("the app id is empty: expected a form like `com.example.reader`")]
    Empty,
    /// It is longer than [`NAME_BYTES_MAX`].
    #[error("the app id is {0} bytes long: at most {NAME_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// It has no dot, or nothing on one side of a dot.
    #[error("the app id `{0}` is not parts joined by dots: expected a form like `com.example.reader`")]
    NotDotted(String),
    /// It has a character that no id has.
    #[error("the app id `{id}` has the character {character:?}: only `A-Z a-z 0-9 - _ .` are allowed")]
    Character {
        /// The whole text.
        id: String,
        /// The first such character.
        character: char,
    },
}

/// Why a text is not a task's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskNameError {
    /// It has no characters.
    #[error("the task name is empty: expected 1 to {NAME_BYTES_MAX} bytes of text")]
    Empty,
    /// It is longer than [`NAME_BYTES_MAX`].
    #[error("the task name is {0} bytes long: at most {NAME_BYTES_MAX} are allowed")]
    TooLong(usize),
    /// It has a character that would break a line or a terminal.
    #[error("the task name has the control character {0:?}: only printable text is allowed")]
    Control(char),
}

impl AppId {
    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, AppIdError> {
        if text.is_empty() {
            return Err(AppIdError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(AppIdError::TooLong(text.len()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(AppIdError::Character { id: text.to_owned(), character });
        }
        if !text.contains('.') || text.split('.').any(str::is_empty) {
            return Err(AppIdError::NotDotted(text.to_owned()));
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TaskName {
    /// Parses `text`.
    pub fn parse(text: &str) -> Result<Self, TaskNameError> {
        if text.is_empty() {
            return Err(TaskNameError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(TaskNameError::TooLong(text.len()));
        }
        match text.chars().find(|c| c.is_control()) {
            Some(character) => Err(TaskNameError::Control(character)),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_like {
    ($name:ident, $error:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }
    };
}

text_like!(AppId, AppIdError);
text_like!(TaskName, TaskNameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_id_is_dotted_parts() {
        for good in ["com.example.reader", "me.mail", "a.b-c_d.9"] {
            assert_eq!(AppId::parse(good).expect("a good id").as_str(), good);
        }
        assert_eq!(AppId::parse(""), Err(AppIdError::Empty));
        assert_eq!(AppId::parse(&"a.".repeat(129)), Err(AppIdError::TooLong(258)));
        for bad in ["reader", ".reader", "com..reader", "com.reader."] {
            assert_eq!(AppId::parse(bad), Err(AppIdError::NotDotted(bad.into())));
        }
        for (bad, character) in [("com.ex ample", ' '), ("com/../x", '/'), ("com.é", 'é'), ("a.b\n", '\n')]
        {
            assert_eq!(AppId::parse(bad), Err(AppIdError::Character { id: bad.into(), character }));
        }
    }

    #[test]
    fn a_task_name_is_short_printable_text() {
        for good in ["sync", "ma tâche", &"x".repeat(256)] {
            assert_eq!(TaskName::parse(good).expect("a good name").as_str(), good);
        }
        assert_eq!(TaskName::parse(""), Err(TaskNameError::Empty));
        assert_eq!(TaskName::parse(&"x".repeat(257)), Err(TaskNameError::TooLong(257)));
        assert_eq!(TaskName::parse("a\nb"), Err(TaskNameError::Control('\n')));
    }
}
