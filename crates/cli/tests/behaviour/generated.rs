//! Completions for every shell and the man pages come from the command line's own description, without a host.

use crate::support::Home;

#[test]
fn completions_for_every_shell() {
    let home = Home::new("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.done(&["completions", shell]);
        for verb in ["demo", "why", "fetch", "doctor"] {
            assert!(script.contains(verb), "{shell} does not know `{verb}`");
        }
    }
    assert_eq!(home.run(&["completions", "abacus"]).status.code(), Some(2));
}

#[test]
fn a_man_page_for_every_verb() {
    let home = Home::new("");
    home.done(&["man", "pages/man1"]);
    let page = |name: &str| std::fs::read_to_string(home.path("pages/man1").join(name)).expect(name);
    for verb in [
        "demo", "run", "host", "add", "remove", "apps", "tasks", "next", "why", "log", "fetch", "set",
        "doctor",
    ] {
        assert!(page(&format!("bgfetch-{verb}.1")).contains(".SH SYNOPSIS"), "{verb}");
    }
    assert!(page("bgfetch.1").contains("Exit status"), "{}", page("bgfetch.1"));
}

#[test]
fn the_exit_statuses_are_in_the_help() {
    let home = Home::new("");
    let help = home.done(&["--help"]);
    for line in ["3  no host is running", "6  the wake that was waited for ended in a failure"] {
        assert!(help.contains(line), "{help}");
    }
    assert_eq!(home.run(&["nonsense"]).status.code(), Some(2));
}
