//! Where no host runs, `bgfetch doctor` still looks: it says so, with what to do, and what a host would find here. And
//! where the machine's administrator forbids background fetch, no app is woken, and each is told that its status is
//! *Restricted*.

use crate::support::{Home, Host, QUICK};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

fn state<'a>(findings: &'a Value, subject: &str) -> &'a Value {
    let all = findings["findings"].as_array().expect("a list");
    let found = all.iter().find(|finding| finding["subject"] == subject);
    &found.unwrap_or_else(|| panic!("nothing about `{subject}` in {findings}"))["state"]
}

#[test]
fn the_doctor_says_what_a_host_would_find() {
    let home = Home::new(QUICK);
    let ran = home.run(&["doctor", "--json"]);
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
    let findings: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(state(&findings, "host"), "bad");
    for subject in ["socket", "store", "configuration", "policy", "node"] {
        assert_eq!(state(&findings, subject), "good", "{subject}");
    }
    assert_ne!(state(&findings, "containment"), "bad");
    assert!(!home.path(".local").exists(), "it changed nothing");
    std::fs::set_permissions(home.path(""), std::fs::Permissions::from_mode(0o755)).expect("its mode");
    let ran = home.run(&["doctor"]);
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(ran.stderr.contains("its mode is 0755"), "{ran:?}");
    assert!(ran.stdout.contains("start one with `bgfetch host --detach`"), "{ran:?}");
}

#[test]
fn with_a_host_it_looks_at_node_as_well() {
    let home = Home::new(QUICK);
    let _host = home.host();
    let findings = home.json(&["doctor"]);
    for subject in ["host", "policy", "node"] {
        assert_eq!(state(&findings, subject), "good", "{subject}");
    }
}

/// The command line in a mount namespace whose `/etc/bgfetch` is this home's.
fn under_policy(home: &Home, mut command: Command) -> Command {
    let script = "mount --bind \"$HOME/etc\" /etc && exec \"$@\"";
    let mut around = Command::new("unshare");
    around.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    around.arg(command.get_program()).args(command.get_args());
    home.inhabit(&mut around);
    around.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.stdin(Stdio::null());
    around
}

#[test]
fn what_the_administrator_forbids_does_not_run() {
    let may_mount = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        eprintln!("left out: this machine gives no mount namespace");
        return;
    }
    let home = Home::new(QUICK);
    let mut host = home.host();
    let mut journal = home.journal();
    home.done(&["add", "me.mail", "--every", "200ms", "--", "true"]);
    journal.wake_with("me.mail", "new_data");
    assert!(host.lives());
    host.stop();
    let policy = home.path("etc/bgfetch/policy.toml");
    std::fs::create_dir_all(policy.parent().expect("a folder")).expect("made");
    std::fs::write(&policy, "restricted = true\n").expect("written");
    let set_mode = |mode| {
        std::fs::set_permissions(&policy, std::fs::Permissions::from_mode(mode)).expect("its mode");
    };
    set_mode(0o666);
    let refused = Host::start(under_policy(&home, home.host_command())).err().expect("refused");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("its mode is 0666") && refused.stderr.contains("chmod 644"),
        "{refused:?}"
    );
    set_mode(0o644);
    let restricted = Host::start(under_policy(&home, home.host_command())).expect("it starts");
    let apps = home.json(&["apps"]);
    assert_eq!(apps[0]["status"], 2, "{apps}");
    assert_eq!(apps[0]["reason"]["code"], "restricted", "{apps}");
    let mut journal = home.journal();
    journal.until("the policy's entry", |entry| entry["event"] == "restricted");
    assert_eq!(home.run(&["fetch", "me.mail"]).status.code(), Some(5));
    restricted.stop();
    // Without the policy it goes on.
    let _host = home.host();
    home.journal().wake_with("me.mail", "new_data");
}
