//! The contract between an app and the bgfetch host: messages, framing, versions.
//!
//! JSON-RPC 2.0, one message a line, UTF-8, over a Unix stream socket. `docs/wire.md` is the same contract for
//! people who write an SDK in another language, and `fixtures/wire` has one golden line for every message.
//!
//! Nothing here reads or writes a socket, a file or the environment. Bytes go in through [`frame::LineDecoder`],
//! lines become a [`rpc::Message`], and a request becomes an [`app::AppRequest`]; the way out is a typed
//! [`rpc::Request`], [`rpc::Response`] or [`rpc::Notification`] and [`frame::to_line`].
//!
//! ```
//! use bgfetch_wire::{app::{AppRequest, Call, Done, Unregister}, frame, rpc::{Id, Message, Request, Response}};
//!
//! let asked = Request::call(Id::Number(1), Unregister { task: "feed".into(), task_type: None });
//! let mut bytes = &frame::to_line(&asked)?[..];
//! let line = frame::LineDecoder::new().decode(&mut bytes)?.expect("a whole line");
//!
//! let Message::Request(heard) = Message::parse(&line)? else { panic!("a request") };
//! let AppRequest::Unregister(unregister) = AppRequest::parse(&heard.method, heard.params)? else { panic!("that one") };
//! assert_eq!(unregister.task, "feed");
//! assert_eq!(frame::to_line(&Response::done(heard.id, Done {}))?, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod app;
pub mod control;
pub mod error;
pub mod frame;
pub mod options;
pub mod path;
pub mod rpc;
pub mod value;

/// The protocol this crate speaks: the `protocol` of `hello` and of its answer.
pub const PROTOCOL: u32 = 1;

/// Every protocol a host of this version answers.
pub const PROTOCOLS_SUPPORTED: &[u32] = &[PROTOCOL];

/// The longest task name and app id, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 256;

/// The environment variable with the number of the connected socket that a wake inherits.
pub const FD_VARIABLE: &str = "BGFETCH_FD";

/// The environment variable with the path of the host's socket, when it is not the usual one.
pub const SOCKET_VARIABLE: &str = "BGFETCH_SOCKET";

/// The environment variable with the path of the app's manifest, when an SDK is not to look for it.
pub const MANIFEST_VARIABLE: &str = "BGFETCH_MANIFEST";
