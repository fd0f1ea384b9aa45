//! Lengths of time as people write them: `30s`, `15m`, `2h 30m`, `1d`.

use bgfetch_core::Span;

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: expected a form like `30s`, `15m`, `2h 30m` or `1d`")]
pub struct DurationError(String);

/// Reads a length of time; a day has 24 hours and a week 7 days. Months and years have no one length and are refused.
pub fn parse(text: &str) -> Result<Span, DurationError> {
    let wrong = || DurationError(text.to_owned());
    let span: jiff::Span = text.trim().parse().map_err(|_| wrong())?;
    let total = (jiff::Unit::Millisecond, jiff::SpanRelativeTo::days_are_24_hours());
    let ms = span.total(total).map_err(|_| wrong())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "jiff's spans fit, and the sign is checked"
    )]
    if ms >= 0.0 { Ok(Span::from_millis(ms.round() as u64)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_it_in_many_ways() {
        let cases = [
            ("30s", 30_000),
            ("15m", 900_000),
            ("15 minutes", 900_000),
            ("2h 30m", 9_000_000),
            ("1d", 86_400_000),
            ("1w", 604_800_000),
            ("500ms", 500),
            ("PT15M", 900_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Ok(Span::from_millis(ms)), "{text}");
        }
        for text in ["", "15", "soon", "-5m", "1mo", "1y"] {
            assert_eq!(parse(text), Err(DurationError(text.to_owned())));
        }
    }
}
