//! What a wake writes, bounded: the first bytes live, the last bytes kept, the rest counted.

use std::collections::VecDeque;

use sha2::{Digest, Sha256};

use super::Stream;

/// The bytes of output, of both streams together, that are passed on as they come.
pub const OUTPUT_LIVE_BYTES: usize = 48 * 1024;

/// The last bytes of output beyond the live ones that are kept for the report.
pub const OUTPUT_TAIL_BYTES: usize = 16 * 1024;

/// Bounded keeper of a wake's output, and the hash of all of its standard output.
pub(super) struct Capture {
    live_left_bytes: usize,
    tail: VecDeque<(Stream, Vec<u8>)>,
    tail_bytes: usize,
    dropped_bytes: u64,
    hash: Sha256,
}

impl Capture {
    pub(super) fn new() -> Self {
        Self {
            live_left_bytes: OUTPUT_LIVE_BYTES,
            tail: VecDeque::new(),
            tail_bytes: 0,
            dropped_bytes: 0,
            hash: Sha256::new(),
        }
    }

    /// Takes what was just read and returns the part of it that is to be passed on now.
    pub(super) fn take<'a>(&mut self, stream: Stream, bytes: &'a [u8]) -> &'a [u8] {
        if stream == Stream::Stdout {
            self.hash.update(bytes);
        }
        let (live, rest) = bytes.split_at(bytes.len().min(self.live_left_bytes));
        self.live_left_bytes -= live.len();
        self.keep(stream, rest);
        live
    }

    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let over = bytes.len().saturating_sub(OUTPUT_TAIL_BYTES);
        self.dropped_bytes += over as u64;
        let bytes = &bytes[over..];
        match self.tail.back_mut() {
            Some((last, chunk)) if *last == stream => chunk.extend_from_slice(bytes),
            _ => self.tail.push_back((stream, bytes.to_vec())),
        }
        self.tail_bytes += bytes.len();
        self.trim();
    }

    fn trim(&mut self) {
        while self.tail_bytes > OUTPUT_TAIL_BYTES {
            let over = self.tail_bytes - OUTPUT_TAIL_BYTES;
            let Some((_, first)) = self.tail.front_mut() else { return };
            let cut = over.min(first.len());
            first.drain(..cut);
            if first.is_empty() {
                self.tail.pop_front();
            }
            self.tail_bytes -= cut;
            self.dropped_bytes += cut as u64;
        }
    }

    /// The kept end of the output, in the order it was read.
    pub(super) fn tail(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        self.tail.iter().map(|(stream, bytes)| (*stream, bytes.as_slice()))
    }

    /// Bytes that were neither passed on nor kept.
    pub(super) fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// SHA-256 of all standard output so far, in lower-case hexadecimal.
    pub(super) fn stdout_sha256(&self) -> String {
        format!("{:x}", self.hash.clone().finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_bytes(capture: &Capture) -> Vec<u8> {
        capture.tail().flat_map(|(_, bytes)| bytes.to_vec()).collect()
    }

    #[test]
    fn the_first_bytes_are_live_the_last_kept_and_the_rest_counted() {
        let all: Vec<u8> = (0..200_000_u32).map(|number| (number % 251) as u8).collect();
        let mut capture = Capture::new();
        let mut live = Vec::new();
        for chunk in all.chunks(1_000) {
            live.extend_from_slice(capture.take(Stream::Stdout, chunk));
        }
        assert_eq!(live, &all[..OUTPUT_LIVE_BYTES]);
        assert_eq!(tail_bytes(&capture), &all[all.len() - OUTPUT_TAIL_BYTES..]);
        let dropped = all.len() - OUTPUT_LIVE_BYTES - OUTPUT_TAIL_BYTES;
        assert_eq!(capture.dropped_bytes(), dropped as u64);
    }

    #[test]
    fn one_read_larger_than_everything_is_bounded_too() {
        let mut capture = Capture::new();
        let live = capture.take(Stream::Stderr, &vec![1; 500_000]).len();
        assert_eq!((live, tail_bytes(&capture).len()), (OUTPUT_LIVE_BYTES, OUTPUT_TAIL_BYTES));
    }

    #[test]
    fn the_order_of_the_two_streams_is_kept() {
        let mut capture = Capture::new();
        capture.take(Stream::Stdout, &vec![0; OUTPUT_LIVE_BYTES]);
        capture.take(Stream::Stdout, b"one");
        capture.take(Stream::Stderr, b"two");
        capture.take(Stream::Stdout, b"three");
        let seen: Vec<_> = capture.tail().collect();
        let expected: [(Stream, &[u8]); 3] =
            [(Stream::Stdout, b"one"), (Stream::Stderr, b"two"), (Stream::Stdout, b"three")];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_hash_is_of_standard_output_alone() {
        let mut capture = Capture::new();
        capture.take(Stream::Stderr, b"noise");
        // The published SHA-256 of the empty message.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(capture.stdout_sha256(), empty);
        capture.take(Stream::Stdout, b"a");
        capture.take(Stream::Stdout, b"bc");
        // The published SHA-256 of "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(capture.stdout_sha256(), abc);
    }
}
