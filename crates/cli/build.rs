//! Takes the JavaScript SDK into the binary, so that a Node app needs nothing installed beside it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/node");
    let mut files = Vec::new();
    // What the npm package has, without its tests.
    for part in ["package.json", "preload.cjs", "preload.mjs", "src", "expo"] {
        println!("cargo::rerun-if-changed={}", sdk.join(part).display());
        collect(&sdk.join(part), &mut files);
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&sdk).expect("a file below the SDK's folder");
        let (name, file) = (name.display().to_string(), file.display().to_string());
        writeln!(list, "({name:?}, include_str!({file:?})),").expect("a text grows");
    }
    list.push(']');
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("sdk_files.rs"), list).expect("the build folder can be written");
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        files.push(path.to_owned());
        return;
    }
    for entry in std::fs::read_dir(path).expect("the SDK's folder can be read") {
        collect(&entry.expect("its entries can be read").path(), files);
    }
}
