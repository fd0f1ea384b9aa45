//! `cargo xtask fixtures`: every file under `fixtures/` parses as what its name says.
//!
//! A golden message with a stray comma would otherwise be found by whoever tests against it first.
//! Files below a folder whose name starts with `broken` are broken on purpose and left alone.

use crate::tools;
use std::error::Error;
use std::path::Path;

/// How many files were parsed, and what is wrong with some.
pub(crate) struct Fixtures {
    pub(crate) looked_at: usize,
    pub(crate) refused: Vec<String>,
}

/// The verb.
pub(crate) fn run(_: &[String]) -> Result<(), Box<dyn Error>> {
    let fixtures = check()?;
    for line in &fixtures.refused {
        eprintln!("{line}");
    }
    if !fixtures.refused.is_empty() {
        return Err(format!("{} fixtures do not parse", fixtures.refused.len()).into());
    }
    println!("{} fixtures parse", fixtures.looked_at);
    Ok(())
}

/// Parses every fixture that has a parser.
pub(crate) fn check() -> Result<Fixtures, tools::ToolError> {
    let mut fixtures = Fixtures { looked_at: 0, refused: Vec::new() };
    for path in crate::tidy::tracked_files()?.iter().filter(|path| path.starts_with("fixtures/")) {
        let Some(parser) = parser_of(path) else { continue };
        fixtures.looked_at += 1;
        if let Err(why) = parser.parse(path) {
            fixtures.refused.push(format!("{path}: {why}"));
        }
    }
    Ok(fixtures)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parser {
    Json,
    JsonLines,
    Toml,
    JavaScript,
    Shell,
}

fn parser_of(path: &str) -> Option<Parser> {
    if Path::new(path).parent()?.iter().any(|folder| folder.to_string_lossy().starts_with("broken")) {
        return None;
    }
    match Path::new(path).extension()?.to_str()? {
        "json" => Some(Parser::Json),
        "jsonl" => Some(Parser::JsonLines),
        "toml" => Some(Parser::Toml),
        "js" | "mjs" | "cjs" => Some(Parser::JavaScript),
        "sh" => Some(Parser::Shell),
        _ => None,
    }
}

impl Parser {
    fn parse(self, path: &str) -> Result<(), String> {
        match self {
            Self::JavaScript => reads(&["node", "--check", path]),
            Self::Shell => reads(&["bash", "-n", path]),
            Self::Json | Self::JsonLines | Self::Toml => {
                let text = std::fs::read_to_string(tools::root().join(path));
                self.parse_text(&text.map_err(|error| error.to_string())?)
            }
        }
    }

    fn parse_text(self, text: &str) -> Result<(), String> {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).map(drop);
        match self {
            Self::Json => json(text).map_err(|error| format!("not JSON: {error}")),
            Self::JsonLines => text.lines().enumerate().try_for_each(|(index, line)| {
                json(line).map_err(|error| format!("line {} is not JSON: {error}", index + 1))
            }),
            Self::Toml => text.parse::<toml::Table>().map(drop).map_err(|error| format!("not TOML: {error}")),
            Self::JavaScript | Self::Shell => Err("its parser wants a file".into()),
        }
    }
}

/// Lets a program read the file; it shows its own words about a bad one.
fn reads(words: &[&str]) -> Result<(), String> {
    tools::run(&mut tools::command(words[0], &words[1..])).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_chooses_its_parser() {
        assert_eq!(parser_of("fixtures/wire/hello.json"), Some(Parser::Json));
        assert_eq!(parser_of("fixtures/apps/rude.mjs"), Some(Parser::JavaScript));
        assert_eq!(parser_of("fixtures/manifests/broken/app.json"), None);
        assert_eq!(parser_of("fixtures/apps/rude.c"), None);
    }

    #[test]
    fn each_parser_refuses_what_it_cannot_read() {
        assert_eq!(Parser::Json.parse_text("{\"a\": 1}"), Ok(()));
        assert!(Parser::Json.parse_text("{\"a\": 1,}").is_err());
        let second = Parser::JsonLines.parse_text("{}\n{").expect_err("refused");
        assert!(second.starts_with("line 2 is not JSON"), "{second}");
        assert_eq!(Parser::Toml.parse_text("a = 1"), Ok(()));
        assert!(Parser::Toml.parse_text("a = ").is_err());
    }
}
