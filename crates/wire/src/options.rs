//! A task's options: an object of the app's own, bounded, without `null` members.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest options, in bytes of compact JSON.
pub const OPTIONS_BYTES_MAX: usize = 64 * 1024;

/// A task's options as stored and given back.
///
/// Members that are `null` are dropped, at any depth of objects, so that the options read the same before and after
/// a restart on every backend; an array keeps its `null`s, since its places count. The order of members is not kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct TaskOptions(Map<String, Value>);

/// Why a value is not a task's options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskOptionsError {
    /// It is something else.
    #[error("the options are {0}: expected an object, e.g. `{{}}`")]
    NotObject(&'static str),
    /// They are too large to keep.
    #[error("the options are {0} bytes of JSON: at most {OPTIONS_BYTES_MAX} are allowed")]
    TooLarge(usize),
}

impl TaskOptions {
    /// The members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The options as compact JSON, its members in order of their names.
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }
}

impl TryFrom<Value> for TaskOptions {
    type Error = TaskOptionsError;

    fn try_from(value: Value) -> Result<Self, TaskOptionsError> {
        let mut members = match value {
            Value::Object(members) => members,
            Value::Null => return Err(TaskOptionsError::NotObject("`null`")),
            Value::Bool(_) => return Err(TaskOptionsError::NotObject("a boolean")),
            Value::Number(_) => return Err(TaskOptionsError::NotObject("a number")),
            Value::String(_) => return Err(TaskOptionsError::NotObject("a text")),
            Value::Array(_) => return Err(TaskOptionsError::NotObject("an array")),
        };
        drop_nulls(&mut members);
        let options = Self(members);
        match options.to_json().len() {
            bytes if bytes > OPTIONS_BYTES_MAX => Err(TaskOptionsError::TooLarge(bytes)),
            _ => Ok(options),
        }
    }
}

impl From<TaskOptions> for Value {
    fn from(options: TaskOptions) -> Self {
        Self::Object(options.0)
    }
}

// The depth is bounded by the parser's own limit of 128.
fn drop_nulls(members: &mut Map<String, Value>) {
    members.retain(|_, member| !member.is_null());
    members.values_mut().for_each(drop_nulls_within);
}

fn drop_nulls_within(value: &mut Value) {
    match value {
        Value::Object(members) => drop_nulls(members),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls_within),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_members_are_dropped_and_places_in_arrays_are_kept() {
        let options = TaskOptions::try_from(json!({"b": null, "a": {"c": null, "d": [null, {"e": null}]}}));
        assert_eq!(options.expect("an object").to_json(), r#"{"a":{"d":[null,{}]}}"#);
    }

    #[test]
    fn the_limit_counts_the_bytes_that_are_kept() {
        let of_size = |bytes: usize| json!({"a": "x".repeat(bytes - 8), "dropped": null});
        assert!(TaskOptions::try_from(of_size(OPTIONS_BYTES_MAX)).is_ok());
        assert_eq!(
            TaskOptions::try_from(of_size(OPTIONS_BYTES_MAX + 1)),
            Err(TaskOptionsError::TooLarge(OPTIONS_BYTES_MAX + 1))
        );
    }
}
