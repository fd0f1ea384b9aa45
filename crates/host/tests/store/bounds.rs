//! The past is bounded: by age, by entries an app, by outputs an app; and what is kept is always the newest.

use crate::support::{app_id, change, ended, entry, wake};
use bgfetch_core::{AppRecord, Change, Event, Span, WakeId};
use bgfetch_host::store::{JournalRow, Keep, Query, Store, WakeOutput, Write};

const READER: &str = "com.example.reader";
const MAIL: &str = "me.mail";
const KEEP: Keep = Keep { journal_age: Span::from_secs(1_000), journal_rows_per_app: 80, outputs_per_app: 3 };

fn append(store: &mut Store, app: Option<&str>, at_ms: u64) {
    store.commit(&[change(Change::Journal(entry(app, at_ms, Event::Opened)))]).expect("it commits");
}

fn times(rows: &[JournalRow], app: Option<&str>) -> Vec<u64> {
    let app = app.map(app_id);
    let of_app = rows.iter().filter(|row| row.entry.app == app);
    of_app.map(|row| row.entry.at.elapsed.as_millis()).collect()
}

fn all(store: &Store) -> Vec<JournalRow> {
    store.journal(&Query::default()).expect("it reads")
}

#[test]
fn each_app_has_its_newest_entries_and_no_more_than_it_may() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(directory.path(), KEEP).expect("it opens");
    append(&mut store, Some(MAIL), 1);
    for at in 2..=500_u64 {
        append(&mut store, if at % 2 == 0 { Some(READER) } else { None }, at);
        let rows = all(&store);
        for (app, newest) in [(Some(READER), at - at % 2), (None, at - 1 + at % 2)] {
            let times = times(&rows, app);
            assert!(times.len() <= 80, "{} entries at {at}", times.len());
            let expected: Vec<_> = (1..=newest).filter(|t| t % 2 == newest % 2 && *t > 1).collect();
            assert!(expected.ends_with(&times), "not the newest at {at}: {times:?}");
            assert!(times.len() >= expected.len().min(70), "only {} entries at {at}", times.len());
        }
    }
    assert_eq!(times(&all(&store), Some(MAIL)), [1], "a quiet app's past is not pushed out by a loud one's");
    let sequences: Vec<_> = all(&store).iter().map(|row| row.sequence).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b));
    assert_eq!(sequences.last(), Some(&500));
}

#[test]
fn a_great_batch_and_a_smaller_bound_are_bounded_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(directory.path(), KEEP).expect("it opens");
    let batch: Vec<_> = (1..=300).map(|at| change(Change::Journal(entry(None, at, Event::Opened)))).collect();
    store.commit(&batch).expect("it commits");
    assert!(all(&store).len() <= 80);
    drop(store);
    let smallest = Keep { journal_rows_per_app: 1, ..KEEP };
    let mut store = Store::open(directory.path(), smallest).expect("it opens");
    append(&mut store, None, 301);
    assert_eq!(times(&all(&store), None), [301]);
    append(&mut store, None, 302);
    assert_eq!(times(&all(&store), None), [302]);
}

#[test]
fn a_failed_batch_does_not_lead_past_the_bound() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(directory.path(), KEEP).expect("it opens");
    let stray = change(Change::WakeBegun(wake(1, "no.app", 0)));
    for at in 1..=400 {
        let entry = change(Change::Journal(entry(None, at, Event::Opened)));
        store.commit(&[entry.clone(), stray.clone()]).expect_err("no such app");
        store.commit(&[entry]).expect("it commits");
        assert!(all(&store).len() <= 80);
    }
}

#[test]
fn what_is_too_old_goes_while_new_entries_come() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store =
        Store::open(directory.path(), Keep { journal_rows_per_app: 10_000, ..KEEP }).expect("it opens");
    store.commit(&[change(Change::App(AppRecord::new(app_id(READER), true)))]).expect("it commits");
    let old: Vec<_> =
        (1..=600).map(|at| change(Change::Journal(entry(Some(MAIL), at, Event::Opened)))).collect();
    store.commit(&old).expect("it commits");
    let wakes = [
        change(Change::WakeBegun(wake(1, READER, 700))),
        change(Change::WakeEnded(ended(1, READER, 701))),
        change(Change::WakeBegun(wake(2, READER, 702))),
    ];
    store.commit(&wakes).expect("it commits");
    assert_eq!(all(&store).len(), 600);
    // Half a million milliseconds later nothing is a thousand seconds old; a month later all of it is.
    append(&mut store, None, 500_000);
    assert_eq!(all(&store).len(), 601);
    let month = Span::from_hours(24 * 30).as_millis();
    for at in 0..100 {
        append(&mut store, Some(READER), month + at);
    }
    assert!(times(&all(&store), Some(MAIL)).is_empty());
    assert_eq!(times(&all(&store), Some(READER)).len(), 100);
    let left: Vec<_> = store.wakes(None, 10).expect("it reads").iter().map(|row| row.begun.id.0).collect();
    assert_eq!(left, [2], "the wake that has not ended stays, however old");
    assert_eq!(store.load().expect("it loads").next_wake, WakeId(3));
}

#[test]
fn the_newest_entry_stays_however_old_so_that_numbers_never_return() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(directory.path(), KEEP).expect("it opens");
    for month in 1..=3 {
        append(&mut store, None, month * Span::from_hours(24 * 30).as_millis());
        drop(store);
        store = Store::open(directory.path(), KEEP).expect("it opens");
        let newest = all(&store).last().map(|row| row.sequence);
        assert_eq!(newest, i64::try_from(month).ok());
    }
}

#[test]
fn wakes_go_with_what_the_journal_says_of_them_and_outputs_before() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(directory.path(), KEEP).expect("it opens");
    let apps = [READER, MAIL].map(|app| change(Change::App(AppRecord::new(app_id(app), true))));
    store.commit(&apps).expect("it commits");
    for id in 1..=200 {
        let app = if id == 1 { MAIL } else { READER };
        let output = WakeOutput {
            wake: WakeId(id),
            stdout: String::new(),
            stderr: String::new(),
            dropped_bytes: 0,
            stdout_hash: None,
            cpu_ms: None,
            memory_bytes_max: None,
        };
        let batch = [
            change(Change::WakeBegun(wake(id, app, id * 10))),
            change(Change::Journal(entry(Some(app), id * 10, Event::Opened))),
            change(Change::WakeEnded(ended(id, app, id * 10 + 5))),
            change(Change::Journal(entry(Some(app), id * 10 + 5, Event::Opened))),
            Write::Output(output),
        ];
        store.commit(&batch).expect("it commits");
        let kept = |id: &u64| store.wake_output(WakeId(*id)).expect("it reads").is_some();
        let kept: Vec<_> = (2..=id).filter(kept).collect();
        let newest: Vec<_> = (2.max(id.saturating_sub(2))..=id).collect();
        assert_eq!(kept, newest);
    }
    assert!(store.wake_output(WakeId(1)).expect("it reads").is_some(), "another app's output is its own");
    let oldest = times(&all(&store), Some(READER))[0];
    let left = store.wakes(Some(&app_id(READER)), 1_000).expect("it reads");
    assert!(left.len() <= 40, "{} wakes for at most 80 entries", left.len());
    assert!(left.iter().all(|row| row.ended.as_ref().is_some_and(|end| end.ended.as_millis() >= oldest)));
    assert_eq!(store.wakes(Some(&app_id(MAIL)), 1_000).expect("it reads").len(), 1);
}
