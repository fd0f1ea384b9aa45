//! Tells code from comments and literals, and finds the functions in it, without a full parser.
//!
//! The two texts that come out have the lines and columns of the one that went in: what is not theirs is blank.

/// A language whose literals and comments are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    JavaScript,
}

/// A text taken apart; literals are in neither part.
pub(crate) struct Parts {
    pub(crate) code: Vec<char>,
    pub(crate) comments: Vec<char>,
}

/// A function's place; lines are counted from 1 and the last one holds the closing brace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line_first: usize,
    pub(crate) line_last: usize,
}

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

struct Scanner<'a> {
    text: &'a [char],
    language: Language,
    at: usize,
    parts: Parts,
    /// For each template literal that is open around `at`: how many braces its `${` has open.
    templates: Vec<usize>,
}

/// The language of a file with this extension.
pub(crate) fn language_of(extension: &str) -> Option<Language> {
    match extension {
        "rs" => Some(Language::Rust),
        "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" => Some(Language::JavaScript),
        _ => None,
    }
}

/// Takes `text` apart.
pub(crate) fn parts_of(text: &str, language: Language) -> Parts {
    let text: Vec<char> = text.chars().collect();
    let parts = Parts { code: Vec::with_capacity(text.len()), comments: Vec::with_capacity(text.len()) };
    let mut scanner = Scanner { text: &text, language, at: 0, parts, templates: Vec::new() };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.parts
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.text.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn take(&mut self, count: usize, kind: Kind) {
        for _ in 0..count.min(self.text.len() - self.at) {
            let c = self.text[self.at];
            let shown = |wanted| if c == '\n' || kind == wanted { c } else { ' ' };
            self.parts.code.push(shown(Kind::Code));
            self.parts.comments.push(shown(Kind::Comment));
            self.at += 1;
        }
    }

    fn step(&mut self) {
        match (self.peek(0), self.language) {
            ('/', _) if self.peek(1) == '/' => {
                let rest = &self.text[self.at..];
                let length = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
                self.take(length, Kind::Comment);
            }
            ('/', _) if self.peek(1) == '*' => self.block_comment(),
            ('"', _) | ('\'', Language::JavaScript) => self.quoted(self.peek(0)),
            ('\'', Language::Rust) => self.character_or_lifetime(),
            ('r', Language::Rust) if self.raw_hashes().is_some() => self.raw_string(),
            ('`', Language::JavaScript) => self.template(),
            ('/', Language::JavaScript) if self.expects_value() => self.regular_expression(),
            ('{' | '}', Language::JavaScript) if !self.templates.is_empty() => self.brace_in_template(),
            _ => self.take(1, Kind::Code),
        }
    }

    /// Rust's block comments nest, JavaScript's do not.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('\0', _) if self.at >= self.text.len() => return,
                ('/', '*') if depth == 0 || self.language == Language::Rust => {
                    depth += 1;
                    self.take(2, Kind::Comment);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.take(2, Kind::Comment);
                }
                _ => self.take(1, Kind::Comment),
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        self.take(1, Kind::Literal);
        while self.at < self.text.len() && self.peek(0) != quote {
            self.take(if self.peek(0) == '\\' { 2 } else { 1 }, Kind::Literal);
        }
        self.take(1, Kind::Literal);
    }

    /// `'a'` and `'\n'` are characters, `'a` is a lifetime.
    fn character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' || self.peek(2) == '\'' {
            self.quoted('\'');
        } else {
            self.take(1, Kind::Code);
        }
    }

    /// How many `#` a raw string that starts here has; none if none starts here.
    fn raw_hashes(&self) -> Option<usize> {
        let before = |back: usize| self.at.checked_sub(back).map_or(' ', |at| self.text[at]);
        let starts_word = !is_word(before(1)) || (matches!(before(1), 'b' | 'c') && !is_word(before(2)));
        let hashes = self.text[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (starts_word && self.peek(1 + hashes) == '"').then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        self.take(2 + hashes, Kind::Literal);
        while self.at < self.text.len() {
            let closes = self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#');
            self.take(if closes { 1 + hashes } else { 1 }, Kind::Literal);
            if closes {
                return;
            }
        }
    }

    /// From a backtick, or from the `}` that ends a `${`, to the next `${` or the closing backtick.
    fn template(&mut self) {
        self.take(1, Kind::Literal);
        while self.at < self.text.len() {
            match (self.peek(0), self.peek(1)) {
                ('`', _) => return self.take(1, Kind::Literal),
                ('$', '{') => {
                    self.templates.push(0);
                    return self.take(2, Kind::Literal);
                }
                ('\\', _) => self.take(2, Kind::Literal),
                _ => self.take(1, Kind::Literal),
            }
        }
    }

    fn brace_in_template(&mut self) {
        match (self.peek(0), self.templates.pop()) {
            ('}', Some(0)) => self.template(),
            ('}', Some(open)) => {
                self.templates.push(open - 1);
                self.take(1, Kind::Code);
            }
            (_, open) => {
                self.templates.extend(open.map(|open| open + 1));
                self.take(1, Kind::Code);
            }
        }
    }

    /// Whether a `/` here starts a regular expression: after an operator, a bracket that opens, or `return`.
    fn expects_value(&self) -> bool {
        let code = &self.parts.code;
        let Some(last) = code.iter().rposition(|c| !c.is_whitespace()) else { return true };
        let word = word_ending_at(code, last + 1);
        "(,=:[!&|?{};+-*%<>~^".contains(code[last]) || matches!(word.as_str(), "return" | "case" | "typeof")
    }

    fn regular_expression(&mut self) {
        self.take(1, Kind::Literal);
        let mut in_class = false;
        while self.at < self.text.len() && self.peek(0) != '\n' && (in_class || self.peek(0) != '/') {
            match self.peek(0) {
                '[' => in_class = true,
                ']' => in_class = false,
                _ => {}
            }
            self.take(if self.peek(0) == '\\' { 2 } else { 1 }, Kind::Literal);
        }
        self.take(1, Kind::Literal);
    }
}

/// Whether `c` can be part of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The line of a place, counted from 1.
pub(crate) fn line_at(text: &[char], at: usize) -> usize {
    1 + text[..at].iter().filter(|c| **c == '\n').count()
}

/// Every place where `word` stands by itself: no name's character before it or after it.
pub(crate) fn places_of(code: &[char], word: &str) -> Vec<usize> {
    let word: Vec<char> = word.chars().collect();
    let stands_alone = |at: usize| {
        let first = is_word(word[0]) && at > 0 && is_word(code[at - 1]);
        let last = is_word(word[word.len() - 1]) && code.get(at + word.len()).copied().is_some_and(is_word);
        !first && !last
    };
    let all = code.windows(word.len()).enumerate().filter(|(_, window)| *window == word);
    all.map(|(at, _)| at).filter(|at| stands_alone(*at)).collect()
}

/// The place of the bracket that closes the one at `open`.
pub(crate) fn closing(code: &[char], open: usize) -> Option<usize> {
    let close = match code[open] {
        '{' => '}',
        '(' => ')',
        _ => ']',
    };
    let mut depth = 0_usize;
    for (at, c) in code.iter().enumerate().skip(open) {
        if *c == code[open] {
            depth += 1;
        } else if *c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// The functions that have a body.
pub(crate) fn functions_of(code: &[char], language: Language) -> Vec<Function> {
    match language {
        Language::Rust => rust_functions(code),
        Language::JavaScript => javascript_functions(code),
    }
}

fn rust_functions(code: &[char]) -> Vec<Function> {
    let mut functions = Vec::new();
    for at in places_of(code, "fn") {
        let name = word_from(code, at + 2);
        let Some(body) = body_of(code, at).filter(|_| !name.is_empty()) else { continue };
        let Some(end) = closing(code, body) else { continue };
        functions.push(Function { name, line_first: line_at(code, at), line_last: line_at(code, end) });
    }
    functions
}

/// The first `{` after a signature; none if a `;` outside of brackets comes first.
fn body_of(code: &[char], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code.iter().enumerate().skip(from) {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// A `{` after `)` or `=>` is a function's body, unless what stands before the brackets is a statement's word.
/// What `describe` and `suite` are given is a group of tests, not a function to be read at once.
fn javascript_functions(code: &[char]) -> Vec<Function> {
    let mut functions = Vec::new();
    for (open, _) in code.iter().enumerate().filter(|(_, c)| **c == '{') {
        let Some(last) = code[..open].iter().rposition(|c| !c.is_whitespace()) else { continue };
        let is_arrow = last > 0 && code[last] == '>' && code[last - 1] == '=';
        let start = if is_arrow { Some(last) } else { opening(code, last) };
        let (Some(start), Some(end)) = (start, closing(code, open)) else { continue };
        let word = word_ending_at(code, start);
        let is_statement =
            matches!(word.as_str(), "if" | "for" | "while" | "switch" | "catch" | "with" | "await");
        let line = line_at(code, start);
        let is_group = line_text(code, line).trim_start().starts_with("describe")
            || line_text(code, line).trim_start().starts_with("suite");
        if is_statement || is_group {
            continue;
        }
        let name = if is_arrow || word.is_empty() { "=>".to_owned() } else { word };
        functions.push(Function { name, line_first: line, line_last: line_at(code, end) });
    }
    functions
}

/// The place of the `(` that the `)` at `close` closes; none if there is no `)`.
fn opening(code: &[char], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in (0..=close).rev() {
        match code[at] {
            ')' => depth += 1,
            '(' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (code[at] == '(').then_some(at);
        }
    }
    None
}

/// The name that starts at the first character after `from` that is not white space.
pub(crate) fn word_from(code: &[char], from: usize) -> String {
    let rest = code.get(from..).unwrap_or_default();
    rest.iter().skip_while(|c| c.is_whitespace()).take_while(|c| is_word(**c)).collect()
}

/// The name that ends just before `end`, white space apart.
pub(crate) fn word_ending_at(code: &[char], end: usize) -> String {
    let last = code[..end].iter().rposition(|c| !c.is_whitespace()).map_or(0, |at| at + 1);
    let start = code[..last].iter().rposition(|c| !is_word(*c)).map_or(0, |at| at + 1);
    code[start..last].iter().collect()
}

fn line_text(code: &[char], line: usize) -> String {
    code.split(|c| *c == '\n').nth(line - 1).map(|line| line.iter().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(text: &str, language: Language) -> String {
        parts_of(text, language).code.into_iter().collect()
    }

    #[test]
    fn literals_and_comments_of_rust_are_not_code() {
        let text = "a('{', '\\'', \"{\\\"{\") /* { /* { */ } */ b // {\nr#\"{\"{\"# br\"{\\\" c<'a> r#type";
        let code = code_of(text, Language::Rust);
        assert_eq!(code.matches(['{', '}']).count(), 0, "{code}");
        assert_eq!(code.split_whitespace().collect::<String>(), "a(,,)bbc<'a>r#type");
        assert_eq!(code.chars().count(), text.chars().count());
    }

    #[test]
    fn literals_and_comments_of_javascript_are_not_code() {
        let text = "f('{', \"{\", `{${g({a: `}`})}{`, /[/{]\\/{/g) /* { /* */ x = a / b / c; // {";
        assert_eq!(
            code_of(text, Language::JavaScript).split_whitespace().collect::<String>(),
            "f(,,g({a:}),g)x=a/b/c;"
        );
    }

    #[test]
    fn comments_are_kept_apart() {
        let comments: String =
            parts_of("a // one\n\"// two\"", Language::Rust).comments.into_iter().collect();
        assert_eq!(comments, "  // one\n        ");
    }

    fn found(text: &str, language: Language) -> Vec<(String, usize, usize)> {
        let functions = functions_of(&parts_of(text, language).code, language);
        functions.into_iter().map(|f| (f.name, f.line_first, f.line_last)).collect()
    }

    #[test]
    fn functions_of_rust_are_found_with_their_lines() {
        let text = "fn a(x: [u8; 2]) -> u8\nwhere u8: Copy {\n  match x { _ => \"}\" }\n}\n\
                    trait T { fn b(&self); fn c() {} }\ntype F = fn(u8) -> u8;\n";
        let expected = [("a".to_owned(), 1, 4), ("c".to_owned(), 5, 5)];
        assert_eq!(found(text, Language::Rust), expected);
    }

    #[test]
    fn functions_of_javascript_are_found_with_their_lines() {
        let text = "function a(b = {}) {\n  if (b) { c(); }\n}\nclass D { async e(f) {\n } }\n\
                    const g = (h) => {\n};\ndescribe('x', () => {\n});\nconst i = { j: 1 };\n";
        let expected = [("a".to_owned(), 1, 3), ("e".to_owned(), 4, 5), ("=>".to_owned(), 6, 7)];
        assert_eq!(found(text, Language::JavaScript), expected);
    }
}
