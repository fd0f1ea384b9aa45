//! The contract between an app and the bgfetch host: messages, framing, versions.
