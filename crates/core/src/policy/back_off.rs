//! The wait after failures: doubling, bounded, and spread so that apps that failed together do not return together.

use crate::name::AppId;
use crate::settings::Settings;
use crate::time::Span;

/// How many overruns in a row still lengthen the minimum interval.
const OVERRUNS_COUNTED: u32 = 3;

/// The wait after the `failures`-th failure in a row of `app`, counted from the failed wake's end.
///
/// `first × 2^(failures − 1)`, less up to a tenth, at most the longest. The share taken off is drawn from the seed,
/// the app and the count alone, so the same app waits the same time in every run of the same device. It is taken off
/// rather than added so that the longest wait is never exceeded.
pub(crate) fn wait(settings: &Settings, seed: u64, app: &AppId, failures: u32) -> Span {
    let doublings = failures.saturating_sub(1).min(63);
    let full = settings.back_off_first.times(1 << doublings).min(settings.back_off_max).as_millis();
    let off = u128::from(full / 10) * u128::from(draw(seed, app, failures)) / u128::from(u64::MAX);
    Span::from_millis(full - u64::try_from(off).unwrap_or(0))
}

/// How many times the minimum interval counts after `overruns` in a row: 1, 2, 4, 8, 8, …
pub(crate) fn penalty_factor(overruns: u32) -> u32 {
    1 << overruns.min(OVERRUNS_COUNTED)
}

/// A number that only the arguments decide: FNV-1a over them, finished with `SplitMix64`.
fn draw(seed: u64, app: &AppId, count: u32) -> u64 {
    let bytes = app.as_str().bytes().chain(count.to_le_bytes()).chain(seed.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut mixed = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(text: &str) -> AppId {
        AppId::parse(text).expect("an id")
    }

    #[test]
    fn waits_double_from_30_seconds_to_5_hours() {
        let settings = Settings::default();
        let mut full = 30_000;
        for failures in 1..200 {
            let wait = wait(&settings, 7, &app("a.b"), failures).as_millis();
            assert!(wait <= full && wait >= full - full / 10, "failure {failures}: {wait} of {full}");
            full = (full * 2).min(18_000_000);
        }
    }

    #[test]
    fn waits_are_stable_per_app_and_differ_between_apps() {
        let settings = Settings::default();
        let of = |name: &str| wait(&settings, 7, &app(name), 3);
        assert_eq!(of("a.b"), of("a.b"));
        let distinct: std::collections::BTreeSet<_> = (0..100).map(|i| of(&format!("a.b{i}"))).collect();
        assert!(distinct.len() > 90, "only {} distinct waits for 100 apps", distinct.len());
    }

    #[test]
    fn the_penalty_is_bounded() {
        let factors: Vec<_> = [0, 1, 2, 3, 4, u32::MAX].map(penalty_factor).into();
        assert_eq!(factors, [1, 2, 4, 8, 8, 8]);
    }
}
