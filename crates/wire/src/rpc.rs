//! JSON-RPC 2.0 envelopes: requests, answers, notifications.
//!
//! What is sent is typed to the end, so its members stand in the contract's order; what is heard keeps its
//! parameters as JSON until the method says what they are.

use crate::app::{Call, Event};
use crate::error::{ErrorCode, ErrorObject};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A request's number or text; its answer carries the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

/// The parameters of a message as heard: an object, empty if the message has none.
pub type Params = Map<String, Value>;

/// A message that wants an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<P = Params> {
    /// What its answer carries.
    pub id: Id,
    /// What is asked.
    pub method: String,
    /// With what.
    pub params: P,
}

/// A message that wants none.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification<P = Params> {
    /// What happened.
    pub method: String,
    /// With what.
    pub params: P,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<R = Value> {
    /// The request's; `None` if the request could not be read that far.
    pub id: Option<Id>,
    /// What came of it.
    pub outcome: Result<R, ErrorObject>,
}

/// Any line of the contract.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// It wants an answer.
    Request(Request),
    /// It wants none.
    Notification(Notification),
    /// It is an answer.
    Response(Response),
}

/// Why a line is not a message: what is wrong, and the id to answer to if it was there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct MessageError {
    /// The id of the request, if it could be read.
    pub id: Option<Id>,
    /// What is wrong.
    pub kind: MessageErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageErrorKind {
    /// It is not JSON (or not UTF-8).
    #[error("the line is not JSON: {0}")]
    NotJson(String),
    /// It is an array.
    #[error("the line is a batch, which is not supported: send one message a line")]
    Batch,
    /// It is a number, a text, or another value.
    #[error("the line is not an object: expected `{{\"jsonrpc\":\"2.0\",…}}`")]
    NotObject,
    /// `jsonrpc` is missing or another version's.
    #[error("the member `jsonrpc` is not \"2.0\"")]
    Version,
    /// `id` is neither.
    #[error("the member `id` is not a whole number or a text")]
    Id,
    /// `method` is not a text.
    #[error("the member `method` is not a text")]
    Method,
    /// It is no message of any kind.
    #[error("the message has neither `method` nor exactly one of `result` and `error`")]
    Shapeless,
    /// An answer's `error` is not an error object.
    #[error("the member `error` is not an error object: {0}")]
    Error(String),
    /// `params` is there and not an object.
    #[error("the member `params` is not an object: parameters are given by name")]
    Params,
}

impl<C: Call> Request<C> {
    /// A request of that call.
    pub fn call(id: Id, params: C) -> Self {
        Self { id, method: C::METHOD.to_owned(), params }
    }
}

impl<E: Event> Notification<E> {
    /// A notification of that event.
    pub fn event(params: E) -> Self {
        Self { method: E::METHOD.to_owned(), params }
    }
}

impl<R> Response<R> {
    /// The answer to a request that did what it asked.
    pub fn done(id: Id, result: R) -> Self {
        Self { id: Some(id), outcome: Ok(result) }
    }

    /// The answer to a request that did not.
    pub fn failed(id: impl Into<Option<Id>>, error: ErrorObject) -> Self {
        Self { id: id.into(), outcome: Err(error) }
    }
}

impl Message {
    /// Reads one line. Members that the contract does not name are ignored.
    pub fn parse(line: &[u8]) -> Result<Self, MessageError> {
        let value: Value = serde_json::from_slice(line)
            .map_err(|error| MessageError { id: None, kind: MessageErrorKind::NotJson(error.to_string()) })?;
        let mut members = match value {
            Value::Object(members) => members,
            Value::Array(_) => return Err(MessageError { id: None, kind: MessageErrorKind::Batch }),
            _ => return Err(MessageError { id: None, kind: MessageErrorKind::NotObject }),
        };
        let id_value = members.remove("id");
        let id = id_value.as_ref().and_then(parse_id);
        let fail = |kind| MessageError { id: id.clone(), kind };
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(fail(MessageErrorKind::Version));
        }
        let Some(method) = members.remove("method") else {
            if id.is_none() && !matches!(id_value, Some(Value::Null)) {
                return Err(fail(MessageErrorKind::Id));
            }
            let outcome = parse_outcome(&mut members).map_err(fail)?;
            return Ok(Self::Response(Response { id, outcome }));
        };
        let Value::String(method) = method else { return Err(fail(MessageErrorKind::Method)) };
        let params = match members.remove("params") {
            None => Params::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(fail(MessageErrorKind::Params)),
        };
        match (id_value, id) {
            (None, _) => Ok(Self::Notification(Notification { method, params })),
            (Some(_), Some(id)) => Ok(Self::Request(Request { id, method, params })),
            (Some(_), None) => Err(MessageError { id: None, kind: MessageErrorKind::Id }),
        }
    }
}

fn parse_id(value: &Value) -> Option<Id> {
    match value {
        Value::Number(number) => number.as_i64().map(Id::Number),
        Value::String(text) => Some(Id::Text(text.clone())),
        _ => None,
    }
}

fn parse_outcome(members: &mut Params) -> Result<Result<Value, ErrorObject>, MessageErrorKind> {
    match (members.remove("result"), members.remove("error")) {
        (Some(result), None) => Ok(Ok(result)),
        (None, Some(error)) => match serde_json::from_value(error) {
            Ok(error) => Ok(Err(error)),
            Err(error) => Err(MessageErrorKind::Error(error.to_string())),
        },
        _ => Err(MessageErrorKind::Shapeless),
    }
}

impl MessageErrorKind {
    /// The documented code of each.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotJson(_) => ErrorCode::Parse,
            Self::Params => ErrorCode::InvalidParams,
            Self::Batch
            | Self::NotObject
            | Self::Version
            | Self::Id
            | Self::Method
            | Self::Shapeless
            | Self::Error(_) => ErrorCode::InvalidRequest,
        }
    }
}

impl From<MessageError> for Response {
    fn from(error: MessageError) -> Self {
        let object = ErrorObject::new(error.kind.code(), error.kind.to_string());
        Self { id: error.id, outcome: Err(object) }
    }
}

impl From<crate::frame::FrameError> for Response {
    fn from(error: crate::frame::FrameError) -> Self {
        let object = ErrorObject::new(ErrorCode::Parse, error.to_string())
            .with("frameBytesMax", crate::frame::FRAME_BYTES_MAX);
        Self { id: None, outcome: Err(object) }
    }
}

impl<P: Serialize> Serialize for Request<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_struct("Request", 4)?;
        message.serialize_field("jsonrpc", "2.0")?;
        message.serialize_field("id", &self.id)?;
        message.serialize_field("method", &self.method)?;
        message.serialize_field("params", &self.params)?;
        message.end()
    }
}

impl<P: Serialize> Serialize for Notification<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_struct("Notification", 3)?;
        message.serialize_field("jsonrpc", "2.0")?;
        message.serialize_field("method", &self.method)?;
        message.serialize_field("params", &self.params)?;
        message.end()
    }
}

impl<R: Serialize> Serialize for Response<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_struct("Response", 3)?;
        message.serialize_field("jsonrpc", "2.0")?;
        message.serialize_field("id", &self.id)?;
        match &self.outcome {
            Ok(result) => message.serialize_field("result", result)?,
            Err(error) => message.serialize_field("error", error)?,
        }
        message.end()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Request(request) => request.serialize(serializer),
            Self::Notification(notification) => notification.serialize(serializer),
            Self::Response(response) => response.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_envelope_still_answers_to_its_id() {
        let line = br#"{"jsonrpc":"2.0","id":"a","method":"register","params":[1]}"#;
        let error = Message::parse(line).expect_err("positional parameters");
        assert_eq!(error, MessageError { id: Some(Id::Text("a".into())), kind: MessageErrorKind::Params });
    }

    #[test]
    fn ids_that_json_rpc_advises_against_are_refused() {
        for id in ["1.5", "null", "true", "{}", "1e400", "18446744073709551615"] {
            let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tasks"}}"#);
            let error = Message::parse(line.as_bytes()).expect_err(id);
            assert_eq!(error.id, None);
        }
    }
}
