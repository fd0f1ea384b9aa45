//! What people read: fixed columns, whole words, `-` for what is not known; and the same as JSON for scripts. Moments
//! and lengths of time, which differ from run to run, stand as `*`.

use crate::support::{Home, QUICK};
use serde_json::Value;

/// Compares line by line; `*` stands for anything.
fn assert_text(found: &str, wanted: &str) {
    let (found_lines, wanted_lines): (Vec<_>, Vec<_>) = (found.lines().collect(), wanted.lines().collect());
    let fits = found_lines.len() == wanted_lines.len()
        && found_lines.iter().zip(&wanted_lines).all(|(found, wanted)| matches(found, wanted));
    assert!(fits, "found:\n{found}\nwanted:\n{wanted}");
}

fn matches(text: &str, pattern: &str) -> bool {
    let Some((before, behind)) = pattern.split_once('*') else { return text == pattern };
    let Some(rest) = text.strip_prefix(before) else { return false };
    (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| matches(&rest[at..], behind))
}

/// A home in which one app has run, one has failed, one is switched off.
fn lived_in() -> (Home, crate::support::Host) {
    let home = Home::new(QUICK);
    let host = home.host();
    let mut journal = home.journal();
    home.done(&["add", "me.mail", "--every", "200ms", "--", "sh", "-c", "echo one mail; echo hm >&2"]);
    journal.wake_with("me.mail", "new_data");
    home.done(&["set", "interval", "me.mail", "1h"]);
    home.done(&["add", "me.broken", "--every", "300ms", "--", "false"]);
    journal.wake_with("me.broken", "failed");
    home.done(&["set", "off", "me.broken"]);
    home.done(&["add", "me.later", "--every", "1h 30m", "--", "true"]);
    (home, host)
}

#[test]
fn the_tables_have_fixed_columns() {
    let (home, _host) = lived_in();
    assert_text(
        &home.done(&["apps"]),
        "APP        KIND     TASKS  INTERVAL    STATUS     LAST WAKE*OUTCOME   HEALTH\n\
         me.broken  command  1      0.3 s       denied     *  failed    unhealthy\n\
         me.later   command  1      1 h 30 min  available  -  *  -         healthy\n\
         me.mail    command  1      1 h         available  *  new data  healthy\n",
    );
    assert_text(
        &home.done(&["tasks"]),
        "APP        TASK   INTERVAL  LAST WAKE*NEXT*REASON\n\
         me.broken  fetch  as app    *-*background fetch is switched off for this app\n\
         me.later   fetch  as app    -*in 1 h *the minimum interval of 1 h 30 min has not passed\n\
         me.mail    fetch  as app    *in 59 min*the minimum interval of 1 h has not passed\n",
    );
    assert_text(
        &home.done(&["next"]),
        "NEXT                 LEFT*APP        UNTIL THEN\n\
         20*in 59 min*me.mail    the minimum interval of 1 h has not passed\n\
         20*in 1 h *me.later   the minimum interval of 1 h 30 min has not passed\n\
         -                    -*me.broken  background fetch is switched off for this app\n",
    );
}

#[test]
fn why_answers_in_sentences() {
    let (home, _host) = lived_in();
    assert_text(
        first_lines(&home.done(&["why", "me.broken"]), 10).as_str(),
        "me.broken is not running: background fetch is switched off for this app.\n\
         At the earliest: unknown, something has to change first (`bgfetch set on APP`).\n\
         \n\
         status      denied\n\
         interval    0.3 s\n\
         last wake   *, failed\n\
         failures    * in a row\n\
         task        fetch (-): background fetch is switched off for this app\n\
         \n\
         Lately:",
    );
    assert_text(
        first_lines(&home.done(&["why", "me.mail"]), 2).as_str(),
        "me.mail is not running: the minimum interval of 1 h has not passed.\nAt the earliest: 20* (in 59 min*).",
    );
}

fn first_lines(text: &str, count: usize) -> String {
    text.lines().take(count).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_journal_reads_line_by_line() {
    let (home, _host) = lived_in();
    let log = home.done(&["log", "me.later"]);
    assert_text(
        &log,
        "20*  me.later                      -  app seen\n\
         20*  me.later                      -  held: no task is registered\n\
         20*  me.later                      -  minimum interval set to 1 h 30 min\n\
         20*  me.later                      -  task `fetch` registered\n\
         20*  me.later                      -  held: the minimum interval of 1 h 30 min has not passed\n",
    );
    let newest = home.done(&["log", "--last", "1"]);
    assert_eq!(newest.lines().count(), 1, "{newest}");
    let wake = home.done(&["log", "--wake", "1"]);
    assert!(wake.contains("stdout:\n  one mail\nstderr:\n  hm\n"), "{wake}");
    assert!(wake.contains("processor time ") && wake.contains("memory "), "{wake}");
}

#[test]
fn scripts_get_the_same_as_json() {
    let (home, _host) = lived_in();
    let apps = home.json(&["apps"]);
    let members: Vec<_> = apps[0].as_object().expect("an object").keys().map(String::as_str).collect();
    let wanted = [
        "app",
        "connected",
        "earliestUnixMs",
        "failures",
        "intervalSeconds",
        "kind",
        "lastOutcome",
        "lastWakeUnixMs",
        "manifest",
        "program",
        "reason",
        "status",
        "tasks",
        "unhealthy",
    ];
    assert_eq!(members, wanted, "a member that goes breaks scripts");
    assert_eq!(apps, home.json(&["next"]).as_array().map(Vec::as_slice).map(sorted).expect("a list"));
    assert_eq!(home.json(&["tasks", "me.mail"])[0]["reason"]["code"], "floor");
    assert_eq!(home.json(&["why", "me.mail"])["app"]["app"], "me.mail");
    let findings = home.json(&["doctor"])["findings"].clone();
    let subjects: Vec<_> =
        findings.as_array().expect("a list").iter().map(|found| &found["subject"]).collect();
    for subject in ["host", "socket", "store", "containment", "clock"] {
        assert!(subjects.contains(&&Value::from(subject)), "the doctor is silent about `{subject}`");
    }
    assert_eq!(home.json(&["set", "on"]), serde_json::json!({}));
}

fn sorted(apps: &[Value]) -> Value {
    let mut apps = apps.to_vec();
    apps.sort_by_key(|app| app["app"].to_string());
    Value::from(apps)
}
