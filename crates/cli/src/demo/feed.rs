//! A small feed on loopback, whose content, mood and speed the demo decides.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// How the feed behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// It answers with this text.
    Serves(String),
    /// It answers 503.
    Fails,
    /// It accepts, and never answers.
    Hangs,
}

/// The feed, as long as it is held.
pub(super) struct Feed {
    mood: Arc<Mutex<Mood>>,
    address: SocketAddr,
}

impl Feed {
    pub(super) fn start(mood: Mood) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mood = Arc::new(Mutex::new(mood));
        let shared = Arc::clone(&mood);
        std::thread::spawn(move || {
            // Kept open, so that their clients wait.
            let mut hanging = Vec::new();
            for stream in listener.incoming().flatten() {
                let mood = shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
                match mood {
                    Mood::Hangs => hanging.push(stream),
                    Mood::Fails => answer(stream, "503 Service Unavailable", ""),
                    Mood::Serves(text) => answer(stream, "200 OK", &text),
                }
            }
        });
        Ok(Self { mood, address })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/feed", self.address)
    }

    pub(super) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }
}

/// A client that does not wait for its answer has only itself to blame.
fn answer(mut stream: TcpStream, status: &str, text: &str) {
    let mut lines = BufReader::new(&stream).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let length = text.len();
    let _ =
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
}
