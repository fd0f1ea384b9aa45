//! Background fetch for Rust apps.
