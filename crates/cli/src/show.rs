//! What people read: columns, dates, lengths of time. `-` stands for what is not known.

use crate::exit::Failure;
use bgfetch_core::Span;
use bgfetch_wire::control::{AppView, LogEntry};
use bgfetch_wire::value::Seconds;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::Write;

/// Writes `text` to standard output. A reader that has gone away ends the verb quietly, as it ends `cat`, but not before
/// what it started is ended as well.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::ReaderGone),
        written => written.map_err(|error| Failure::Other(format!("standard output: {error}"))),
    }
}

/// `text` as one line that does nothing to a terminal: what apps say and are named stands in it.
pub(crate) fn line(text: &str) -> String {
    escaped(text, |_| false)
}

/// The lines of what an app has printed, without what would move a terminal's cursor, colour it, or rename it.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(|line| escaped(line, |character| character == '\t'))
}

/// Control characters, and those that turn the direction of writing, stand as Rust and JavaScript write them.
fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let turns =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if (character.is_control() || turns) && !is_kept(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// Writes a value as one line of JSON.
pub(crate) fn print_json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(Failure::other)?;
    print(&format!("{text}\n"))
}

/// Writes a value as JSON for scripts.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::other)?;
    print(&format!("{text}\n"))
}

/// Columns under their names, two spaces apart; the last one is as wide as it needs.
pub(crate) fn table<const N: usize>(names: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(|cell| escaped(cell, |_| false))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([names[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..N).map(width).collect();
    let padded_line = |cells: [&str; N]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let mut line = padded.collect::<Vec<_>>().join("  ");
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    };
    let rows = rows.iter().map(|row| padded_line(std::array::from_fn(|column| row[column].as_str())));
    std::iter::once(padded_line(names)).chain(rows).collect()
}

/// Lines with `margin` before each.
pub(crate) fn indented<L: AsRef<str>>(lines: impl Iterator<Item = L>, margin: &str) -> String {
    lines.fold(String::new(), |text, line| text + margin + line.as_ref() + "\n")
}

/// A moment in the user's own time zone, to the second; `-` for none.
pub(crate) fn moment(unix_ms: Option<i64>) -> String {
    let moment = unix_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(dash, |moment| {
        moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

/// How far off a moment is: `in 5 min`, `now`, `3 h ago`; `-` for none.
pub(crate) fn distance(unix_ms: Option<i64>, now_ms: i64) -> String {
    let Some(at) = unix_ms else { return dash() };
    let apart = Span::from_millis(at.abs_diff(now_ms) / 1_000 * 1_000);
    match at.cmp(&now_ms) {
        _ if apart.as_secs() == 0 => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("in {apart}"),
        std::cmp::Ordering::Less | std::cmp::Ordering::Equal => format!("{apart} ago"),
    }
}

/// A length of time in words; `never` for none.
pub(crate) fn interval(seconds: Option<Seconds>) -> String {
    seconds.map_or_else(|| "never".to_owned(), |seconds| Span::from_millis(seconds.as_millis()).to_string())
}

/// A text, or `-`.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.map_or_else(dash, str::to_owned)
}

fn dash() -> String {
    "-".to_owned()
}

/// The status in words.
pub(crate) fn status(app: &AppView) -> &'static str {
    match app.status {
        bgfetch_wire::value::Status::Denied => "denied",
        bgfetch_wire::value::Status::Restricted => "restricted",
        bgfetch_wire::value::Status::Available => "available",
    }
}

/// What the wall clock shows, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// One line of the journal.
pub(crate) fn entry(entry: &LogEntry) -> String {
    let wake = entry.wake.map_or_else(dash, |wake| wake.to_string());
    let app = or_dash(entry.app.as_deref());
    format!("{}  {app:<24}  {wake:>5}  {}\n", moment(Some(entry.unix_ms)), line(&entry.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "-".to_owned()], ["com.example".to_owned(), "in 5 min".to_owned()]];
        assert_eq!(
            table(["APP", "NEXT"], &rows),
            "APP          NEXT\na            -\ncom.example  in 5 min\n"
        );
    }

    #[test]
    fn nothing_that_an_app_says_moves_the_terminal() {
        assert_eq!(line("a\u{1b}[2Jb\nc\td\u{9b}e\u{202e}f"), "a\\u{1b}[2Jb\\nc\\td\\u{9b}e\\u{202e}f");
        assert_eq!(line("naïve 🗞 `x`"), "naïve 🗞 `x`");
        let printed = lines("one\ttwo\r\nthree\rfour\u{7}\n");
        assert_eq!(printed.collect::<Vec<_>>(), ["one\ttwo", "three\\rfour\\u{7}"]);
        let rows = [["x\u{1b}c".to_owned()]];
        assert_eq!(table(["TASK"], &rows), "TASK\nx\\u{1b}c\n");
    }

    #[test]
    fn distances_are_told_in_whole_seconds() {
        assert_eq!(distance(Some(301_400), 1_000), "in 5 min");
        assert_eq!(distance(Some(1_400), 1_000), "now");
        assert_eq!(distance(Some(1_000), 10_801_000), "3 h ago");
        assert_eq!(distance(None, 0), "-");
    }
}
