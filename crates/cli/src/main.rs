//! The one binary of bgfetch: every verb, one file each.

fn main() {}
