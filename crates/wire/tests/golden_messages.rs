//! Every message of the contract has one golden line in `fixtures/wire`, which the SDKs test against as well.
//!
//! A good line is read into its type and written again: the bytes must be the same. A bad line must give the
//! answer that stands beside it, byte for byte. And no message may be without a golden line.

use bgfetch_wire::app::{
    AppRequest, AskStatus, Call, Event, Execute, Expiring, Finish, Hello, HostEvent, Opened, Ready, Register,
    SetMinimumInterval, StatusChanged, Tasks, Unregister, UnregisterAll,
};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::{LineDecoder, to_line};
use bgfetch_wire::rpc::{Message, Notification, Request, Response};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    name: String,
    direction: Direction,
    kind: Kind,
    #[serde(default)]
    method: String,
    line: String,
    means: String,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default = "once")]
    repeat: usize,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    AppToHost,
    HostToApp,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Request,
    Answer,
    Notification,
    Bad,
}

/// The golden line of a code that does not exist; the page has no example of it.
const NEWER_CODE: &str = "answer-newer-code";

fn once() -> usize {
    1
}

fn goldens() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/wire");
    let mut goldens: Vec<Golden> = std::fs::read_dir(&folder)
        .expect("fixtures/wire")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let golden: Golden = serde_json::from_slice(&std::fs::read(&path).expect("a file"))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(
                path.file_stem().expect("a name"),
                &golden.name[..],
                "the file is named by its message"
            );
            assert!(golden.means.ends_with('.'), "{}: says what it means", golden.name);
            golden
        })
        .collect();
    goldens.sort_by(|one, other| one.name.cmp(&other.name));
    goldens
}

fn text<M: serde::Serialize>(message: &M) -> String {
    let mut line = to_line(message).expect("it fits a frame");
    assert_eq!(line.pop(), Some(b'\n'));
    String::from_utf8(line).expect("JSON is UTF-8")
}

fn rewritten_request(heard: Request) -> String {
    let Request { id, method, params } = heard;
    match AppRequest::parse(&method, params).expect("its parameters") {
        AppRequest::Hello(call) => text(&Request::call(id, call)),
        AppRequest::Ready(call) => text(&Request::call(id, call)),
        AppRequest::Register(call) => text(&Request::call(id, call)),
        AppRequest::Unregister(call) => text(&Request::call(id, call)),
        AppRequest::UnregisterAll(call) => text(&Request::call(id, call)),
        AppRequest::Tasks(call) => text(&Request::call(id, call)),
        AppRequest::SetMinimumInterval(call) => text(&Request::call(id, call)),
        AppRequest::Status(call) => text(&Request::call(id, call)),
        AppRequest::Finish(call) => text(&Request::call(id, call)),
        AppRequest::Opened(call) => text(&Request::call(id, call)),
    }
}

fn rewritten_notification(heard: Notification) -> String {
    match HostEvent::parse(&heard.method, heard.params).expect("its parameters").expect("a known event") {
        HostEvent::Execute(event) => text(&Notification::event(event)),
        HostEvent::Expiring(event) => text(&Notification::event(event)),
        HostEvent::StatusChanged(event) => text(&Notification::event(event)),
    }
}

fn answer_to<C: Call>(heard: Response) -> String {
    let outcome =
        heard.outcome.map(|result| serde_json::from_value::<C::Answer>(result).expect("its result"));
    text(&Response { id: heard.id, outcome })
}

fn rewritten_answer(method: &str, heard: Response) -> String {
    match method {
        Hello::METHOD => answer_to::<Hello>(heard),
        Ready::METHOD => answer_to::<Ready>(heard),
        Register::METHOD => answer_to::<Register>(heard),
        Unregister::METHOD => answer_to::<Unregister>(heard),
        UnregisterAll::METHOD => answer_to::<UnregisterAll>(heard),
        Tasks::METHOD => answer_to::<Tasks>(heard),
        SetMinimumInterval::METHOD => answer_to::<SetMinimumInterval>(heard),
        AskStatus::METHOD => answer_to::<AskStatus>(heard),
        Finish::METHOD => answer_to::<Finish>(heard),
        Opened::METHOD => answer_to::<Opened>(heard),
        method => panic!("an answer to `{method}`"),
    }
}

fn answer_to_bad(golden: &Golden) -> String {
    let bytes = format!("{}\n", golden.line.repeat(golden.repeat)).into_bytes();
    let line = match LineDecoder::new().decode(&mut &bytes[..]) {
        Err(error) => return text(&Response::from(error)),
        Ok(line) => line.expect("one line"),
    };
    match Message::parse(&line) {
        Err(error) => text(&Response::from(error)),
        Ok(Message::Request(request)) => {
            let error = AppRequest::parse(&request.method, request.params).expect_err(&golden.name);
            text(&Response::<()>::failed(request.id, ErrorObject::from(error)))
        }
        Ok(message) => panic!("{}: {message:?} wants no answer", golden.name),
    }
}

#[test]
fn good_lines_are_read_and_written_back_byte_for_byte() {
    for golden in goldens().into_iter().filter(|golden| golden.kind != Kind::Bad) {
        let message = Message::parse(golden.line.as_bytes()).expect(&golden.name);
        let (kind, method, line) = match message {
            Message::Request(request) => (Kind::Request, request.method.clone(), rewritten_request(request)),
            Message::Notification(event) => {
                (Kind::Notification, event.method.clone(), rewritten_notification(event))
            }
            Message::Response(answer) => {
                (Kind::Answer, golden.method.clone(), rewritten_answer(&golden.method, answer))
            }
        };
        assert_eq!((kind, &method, &line), (golden.kind, &golden.method, &golden.line), "{}", golden.name);
    }
}

#[test]
fn bad_lines_get_the_documented_answer() {
    for golden in goldens().iter().filter(|golden| golden.kind == Kind::Bad) {
        assert_eq!(Some(answer_to_bad(golden)), golden.answer, "{}", golden.name);
    }
}

#[test]
fn every_message_has_a_golden_line() {
    let found: BTreeSet<_> = goldens()
        .into_iter()
        .filter(|golden| golden.kind != Kind::Bad)
        .map(|golden| (golden.direction, golden.kind, golden.method))
        .collect();
    let calls = AppRequest::METHODS.into_iter().flat_map(|method| {
        [(Direction::AppToHost, Kind::Request, method), (Direction::HostToApp, Kind::Answer, method)]
    });
    let events = [Execute::METHOD, Expiring::METHOD, StatusChanged::METHOD]
        .map(|method| (Direction::HostToApp, Kind::Notification, method));
    let wanted =
        calls.chain(events).map(|(direction, kind, method)| (direction, kind, method.to_owned())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_documented_texts_are_those_of_the_reference() {
    let golden =
        |name: &str| goldens().into_iter().find(|golden| golden.name == name).expect("a golden").line;
    for (name, error) in [
        ("register-answer-disabled", ErrorObject::background_fetch_disabled()),
        ("unregister-answer-not-found", ErrorObject::task_not_found("feed", "com.example.reader")),
        ("unregister-answer-other-type", ErrorObject::invalid_task_consumer("feed")),
    ] {
        let Message::Response(answer) = Message::parse(golden(name).as_bytes()).expect(name) else {
            panic!("{name}")
        };
        assert_eq!(answer.outcome, Err(error), "{name}");
    }
}

#[test]
fn the_page_shows_every_golden_line_and_every_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/wire.md");
    let page = std::fs::read_to_string(page).expect("docs/wire.md");
    for golden in goldens().into_iter().filter(|golden| golden.kind != Kind::Bad && golden.name != NEWER_CODE)
    {
        assert!(
            page.lines().any(|line| line == golden.line),
            "docs/wire.md lacks the line of {}",
            golden.name
        );
    }
    for code in ErrorCode::ALL {
        let row = format!("| `{}` | {} | ", code.text(), code.number());
        assert!(page.lines().any(|line| line.starts_with(&row)), "docs/wire.md lacks {row}");
    }
    let lines =
        page.lines().filter(|line| line.starts_with(r#"{"jsonrpc""#) && !line.contains(r#""name":"me""#));
    for line in lines {
        assert!(
            goldens().iter().any(|golden| golden.line == line),
            "docs/wire.md has a line of its own: {line}"
        );
    }
}
