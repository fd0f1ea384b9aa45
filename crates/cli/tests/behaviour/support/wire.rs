//! A client that speaks the protocol by hand, well or badly.

use super::PATIENCE;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// One connection.
pub(crate) struct Wire {
    stream: BufReader<UnixStream>,
    next_id: u64,
}

impl Wire {
    /// Connects and says nothing.
    pub(crate) fn connect(socket: &Path) -> Self {
        Self::try_connect(socket).expect("a host listens")
    }

    /// Connects and says nothing, if a host listens.
    pub(crate) fn try_connect(socket: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), next_id: 1 })
    }

    /// Connects as the command line does.
    pub(crate) fn control(socket: &Path) -> Self {
        let mut wire = Self::connect(socket);
        wire.ask("hello", &hello("control")).expect("a host that answers");
        wire
    }

    /// Connects as a native app: this very process, with that manifest.
    pub(crate) fn app(socket: &Path, manifest: &Path, defined: &[&str]) -> Self {
        let mut wire = Self::connect(socket);
        wire.ask("hello", &hello_app(manifest, defined)).expect("a host that knows the app");
        wire
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Ends what this side has to say.
    pub(crate) fn shut_writing(&mut self) {
        self.stream.get_mut().shutdown(std::net::Shutdown::Write).expect("an open connection");
    }

    /// The next message, or none at the connection's end.
    pub(crate) fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => None,
            Err(error) => panic!("the host neither answers nor ends the connection: {error}"),
        }
    }

    /// Asks, and gives the result or the error; none when the connection ends first.
    pub(crate) fn try_ask(&mut self, method: &str, params: &Value) -> Option<Result<Value, Value>> {
        let id = self.next_id;
        self.next_id += 1;
        let line = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.write(format!("{line}\n").as_bytes()).ok()?;
        loop {
            let answer = self.read()?;
            if answer["id"] == id {
                return Some(match answer.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(answer["result"].clone()),
                });
            }
        }
    }

    /// Asks, and gives the result or the error.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.try_ask(method, params).unwrap_or_else(|| panic!("the connection ended at `{method}`"))
    }

    /// Asks what is to be refused, and gives the error's word and message.
    pub(crate) fn refused(&mut self, method: &str, params: &Value) -> (String, String) {
        match self.ask(method, params) {
            Ok(result) => panic!("`{method}` {params} was not refused: {result}"),
            Err(error) => word_and_message(&error),
        }
    }

    /// Writes a line and gives the word and the message of the error that it is answered with.
    pub(crate) fn refused_line(&mut self, line: &str) -> (String, String) {
        self.write(format!("{line}\n").as_bytes()).expect("written");
        let answer = self.read().expect("an answer");
        word_and_message(&answer["error"])
    }
}

pub(crate) fn word_and_message(error: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no error: {error}")).to_owned();
    (text(&error["data"]["code"]), text(&error["message"]))
}

/// The parameters of `hello` for a role.
pub(crate) fn hello(role: &str) -> Value {
    json!({ "protocol": 1, "client": { "name": "test", "version": "0" }, "role": role })
}

/// The parameters of `hello` for this process as an app.
pub(crate) fn hello_app(manifest: &Path, defined: &[&str]) -> Value {
    let program = std::env::current_exe().expect("a program");
    let mut hello = hello("app");
    hello["app"] = json!({ "manifest": manifest, "program": program, "defined": defined });
    hello
}
