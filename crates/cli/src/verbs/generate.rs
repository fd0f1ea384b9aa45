//! `bgfetch completions` and `bgfetch man`: made from the command line's own description.

use crate::args::Arguments;
use crate::exit::Failure;
use clap::CommandFactory;
use std::path::Path;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "bgfetch", &mut script);
    crate::show::print(&String::from_utf8_lossy(&script))
}

pub(crate) fn man(folder: &Path) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(Arguments::command(), folder)
    };
    write().map_err(|error| {
        Failure::Other(format!("the man pages can not be written to `{}`: {error}", folder.display()))
    })
}
