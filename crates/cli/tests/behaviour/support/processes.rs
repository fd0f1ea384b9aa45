//! Which processes live, as the kernel tells: by what stands in their environment.

use std::path::Path;

/// A process and what it executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alive {
    pub(crate) process: u32,
    pub(crate) command: String,
    pub(crate) environment: Vec<String>,
}

/// Every process, zombies aside, that has `mark` as a whole variable in its environment and is part of a wake.
pub(crate) fn of_wakes(mark: &str) -> Vec<Alive> {
    let entries = std::fs::read_dir("/proc").expect("a process table");
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let marked = numbers.filter_map(look).filter(|alive| alive.environment.iter().any(|text| text == mark));
    marked.filter(|alive| alive.environment.iter().any(|text| text.starts_with("BGFETCH_WAKE="))).collect()
}

/// Of those, the ones of one wake.
pub(crate) fn of_wake(mark: &str, wake: u64) -> Vec<Alive> {
    let wanted = format!("BGFETCH_WAKE={wake}");
    of_wakes(mark).into_iter().filter(|alive| alive.environment.contains(&wanted)).collect()
}

/// A process that has begun to end shows no environment any more, so only what lives is seen.
fn look(process: u32) -> Option<Alive> {
    let folder = Path::new("/proc").join(process.to_string());
    let text = |name: &str| std::fs::read(folder.join(name)).ok();
    let words =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).split('\0').map(str::to_owned).collect::<Vec<_>>();
    let environment = words(&text("environ").filter(|bytes| !bytes.is_empty())?);
    Some(Alive { process, command: words(&text("cmdline")?).join(" "), environment })
}

/// A number of `/proc/PROCESS/status`.
pub(crate) fn status_number(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("`{name}` is not in the status of {process}"))
}
