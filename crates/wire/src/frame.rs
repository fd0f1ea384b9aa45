//! Lines: what a message is on the socket.
//!
//! A frame is one line of UTF-8 text ended by `\n`, at most [`FRAME_BYTES_MAX`] bytes without its end. Empty lines
//! mean nothing and are skipped, so a person with `socat` may press Enter.

use serde::Serialize;

/// The longest frame, in bytes, its `\n` not counted.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// Takes bytes as they arrive and gives whole lines, never holding more than the limit.
#[derive(Debug)]
pub struct LineDecoder {
    held: Vec<u8>,
    bytes_max: usize,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// A line was too long, so where the next one starts is anybody's guess.
    Lost,
}

/// Why bytes are not a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The line goes on beyond the limit. Nothing after it can be read: answer and close the connection.
    #[error("the line is longer than {bytes_max} bytes: send a smaller message")]
    TooLong {
        /// The longest line allowed.
        bytes_max: usize,
    },
    /// The stream ended within a line.
    #[error("the connection ended {bytes} bytes into a line: expected `\\n` at its end")]
    Truncated {
        /// How much of the line had come.
        bytes: usize,
    },
}

/// Why a message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It would not fit a frame.
    #[error("the message is {bytes} bytes long: at most {FRAME_BYTES_MAX} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It has no form in JSON, e.g. a path that is not UTF-8.
    #[error("the message has no form in JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl LineDecoder {
    /// A decoder with the contract's limit.
    pub fn new() -> Self {
        Self::with_limit(FRAME_BYTES_MAX)
    }

    /// A decoder for lines of at most `bytes_max` bytes.
    pub fn with_limit(bytes_max: usize) -> Self {
        Self { held: Vec::new(), bytes_max, state: State::Reading }
    }

    /// Takes bytes from the front of `input` up to the end of the next line that is not empty, and gives that line
    /// without its end; `None` once `input` is used up. Call it until then.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        while self.state == State::Reading && !input.is_empty() {
            let end = input.iter().position(|byte| *byte == b'\n');
            let part = end.unwrap_or(input.len());
            if self.held.len() + part > self.bytes_max {
                self.held = Vec::new();
                self.state = State::Lost;
                break;
            }
            self.held.extend_from_slice(&input[..part]);
            *input = &input[part + usize::from(end.is_some())..];
            if end.is_some() {
                let line = core::mem::take(&mut self.held);
                if !line.iter().all(u8::is_ascii_whitespace) {
                    return Ok(Some(line));
                }
            }
        }
        match self.state {
            State::Reading => Ok(None),
            State::Lost => Err(FrameError::TooLong { bytes_max: self.bytes_max }),
        }
    }

    /// What the end of the stream means here: fine between lines, [`FrameError::Truncated`] within one.
    pub fn finish(self) -> Result<(), FrameError> {
        match self.held.len() {
            0 => Ok(()),
            bytes => Err(FrameError::Truncated { bytes }),
        }
    }

    /// Bytes of an unfinished line held at present: never more than the limit.
    pub fn held_bytes(&self) -> usize {
        self.held.len()
    }
}

impl Default for LineDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// `message` as one line, its `\n` included.
pub fn to_line<M: Serialize>(message: &M) -> Result<Vec<u8>, EncodeError> {
    let mut line = serde_json::to_vec(message)?;
    if line.len() > FRAME_BYTES_MAX {
        return Err(EncodeError::TooLong { bytes: line.len() });
    }
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(decoder: &mut LineDecoder, mut input: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
        let mut lines = Vec::new();
        while let Some(line) = decoder.decode(&mut input)? {
            lines.push(line);
        }
        Ok(lines)
    }

    #[test]
    fn lines_come_whole_however_the_bytes_are_cut() {
        let mut decoder = LineDecoder::with_limit(8);
        assert_eq!(lines(&mut decoder, b"on"), Ok(vec![]));
        assert_eq!(decoder.held_bytes(), 2);
        assert_eq!(lines(&mut decoder, b"e\n\n \r\ntwo\nth"), Ok(vec![b"one".to_vec(), b"two".to_vec()]));
        assert_eq!(decoder.finish(), Err(FrameError::Truncated { bytes: 2 }));
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_byte_more_ends_the_stream() {
        let mut decoder = LineDecoder::with_limit(3);
        assert_eq!(lines(&mut decoder, b"abc\n"), Ok(vec![b"abc".to_vec()]));
        assert_eq!(lines(&mut decoder, b"abcd\n"), Err(FrameError::TooLong { bytes_max: 3 }));
        assert_eq!(lines(&mut decoder, b"abc\n"), Err(FrameError::TooLong { bytes_max: 3 }));
        assert_eq!(decoder.held_bytes(), 0);
    }

    #[test]
    fn a_message_longer_than_a_frame_is_not_sent() {
        let text = "a".repeat(FRAME_BYTES_MAX);
        assert!(
            matches!(to_line(&text), Err(EncodeError::TooLong { bytes }) if bytes == FRAME_BYTES_MAX + 2)
        );
        assert_eq!(to_line(&&text[2..]).expect("it fits").len(), FRAME_BYTES_MAX + 1);
    }
}
