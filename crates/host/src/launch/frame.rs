//! Frames on a control socket: a length, a kind, a payload.
//!
//! `length: u32 little-endian | kind: u8 | payload`, where the length counts the payload alone. Both ends are
//! the same binary, so the format has no version of its own.

use serde::Serialize;

/// What a frame carries. Host to shepherd: [`Kind::Spec`] and [`Kind::Command`]; the others come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What to start, as JSON.
    Spec,
    /// An order to stop or kill, as JSON.
    Command,
    /// The containment stands (or not), as JSON.
    Ready,
    /// The app runs, as JSON.
    Started,
    /// Bytes the app wrote to its standard output, live.
    Stdout,
    /// Bytes the app wrote to its standard error, live.
    Stderr,
    /// Bytes of the kept end of the output, sent before `Ended`.
    StdoutTail,
    /// As `StdoutTail`, for standard error.
    StderrTail,
    /// How it ended, as JSON; the last frame.
    Ended,
}

const KINDS: [Kind; 9] = [
    Kind::Spec,
    Kind::Command,
    Kind::Ready,
    Kind::Started,
    Kind::Stdout,
    Kind::Stderr,
    Kind::StdoutTail,
    Kind::StderrTail,
    Kind::Ended,
];

/// The most a frame may carry: an environment and arguments are bounded by the system to less.
pub(super) const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

const HEADER_BYTES: usize = 5;

/// Why bytes are not a frame. The stream cannot be read on after either.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    /// The length is over [`PAYLOAD_BYTES_MAX`].
    #[error("a frame of {payload_bytes} bytes is over the limit of {PAYLOAD_BYTES_MAX}")]
    TooLong {
        /// The length the frame claims.
        payload_bytes: usize,
    },
    /// The kind is none of [`Kind`].
    #[error("a frame of the unknown kind {0}")]
    UnknownKind(u8),
}

/// Appends a frame to `out`.
pub(super) fn write_frame(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) -> Result<(), FrameError> {
    let too_long = FrameError::TooLong { payload_bytes: payload.len() };
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(too_long);
    }
    let length = u32::try_from(payload.len()).map_err(|_| too_long)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.push(kind as u8);
    out.extend_from_slice(payload);
    Ok(())
}

/// Appends a frame whose payload is `message` as JSON.
pub(super) fn write_json(out: &mut Vec<u8>, kind: Kind, message: &impl Serialize) -> Result<(), FrameError> {
    // The messages are plain structs of strings and numbers, which JSON always has a form for.
    let payload = serde_json::to_vec(message).unwrap_or_default();
    write_frame(out, kind, &payload)
}

/// Turns bytes as they arrive into frames.
#[derive(Default)]
pub(super) struct FrameReader {
    buffer: Vec<u8>,
    consumed: usize,
}

impl FrameReader {
    /// Adds bytes that arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete frame, if one is there.
    pub(super) fn next_frame(&mut self) -> Result<Option<(Kind, Vec<u8>)>, FrameError> {
        let waiting = &self.buffer[self.consumed..];
        let Some((header, rest)) = waiting.split_at_checked(HEADER_BYTES) else { return Ok(None) };
        let payload_bytes = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(FrameError::TooLong { payload_bytes });
        }
        let kind = *KINDS.get(usize::from(header[4])).ok_or(FrameError::UnknownKind(header[4]))?;
        let Some(payload) = rest.get(..payload_bytes) else { return Ok(None) };
        let payload = payload.to_vec();
        self.consumed += HEADER_BYTES + payload_bytes;
        Ok(Some((kind, payload)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_as_itself_byte_by_byte() {
        let mut bytes = Vec::new();
        for (index, kind) in KINDS.into_iter().enumerate() {
            write_frame(&mut bytes, kind, &vec![7; index]).expect("short enough");
        }
        let mut reader = FrameReader::default();
        let mut seen = Vec::new();
        for byte in bytes {
            reader.push(&[byte]);
            while let Some((kind, payload)) = reader.next_frame().expect("well formed") {
                assert_eq!(payload.len(), seen.len());
                seen.push(kind);
            }
        }
        assert_eq!(seen, KINDS);
    }

    #[test]
    fn nonsense_is_refused_before_memory_is_taken() {
        let mut reader = FrameReader::default();
        reader.push(&[0xff, 0xff, 0xff, 0xff, 0]);
        assert!(matches!(reader.next_frame(), Err(FrameError::TooLong { .. })));
        let mut reader = FrameReader::default();
        reader.push(&[0, 0, 0, 0, 99]);
        assert_eq!(reader.next_frame(), Err(FrameError::UnknownKind(99)));
    }

    #[test]
    fn an_oversized_payload_is_refused_by_the_writer() {
        let mut out = Vec::new();
        let payload = vec![0; PAYLOAD_BYTES_MAX + 1];
        assert!(matches!(write_frame(&mut out, Kind::Spec, &payload), Err(FrameError::TooLong { .. })));
        assert!(out.is_empty());
    }
}
