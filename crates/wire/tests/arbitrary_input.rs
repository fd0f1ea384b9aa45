//! Whatever bytes arrive, the decoder neither panics nor holds more than its bound, gives the same lines however
//! the bytes are cut, and what one side writes the other reads.

use bgfetch_wire::app::{
    AppRequest, Execute, ExecutionInfo, Finish, HostEvent, Register, SetMinimumInterval, Unregister,
};
use bgfetch_wire::error::{ErrorCode, ErrorObject};
use bgfetch_wire::frame::{FrameError, LineDecoder, to_line};
use bgfetch_wire::options::TaskOptions;
use bgfetch_wire::rpc::{Id, Message, Notification, Request, Response};
use bgfetch_wire::value::{AppState, FetchResult, Reason, Seconds, TaskType};
use proptest::prelude::*;
use serde_json::Value;

const BYTES_MAX: usize = 16;

/// What the decoder gives, piece by piece, with its bound checked after each.
fn decode_all(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut decoder = LineDecoder::with_limit(BYTES_MAX);
    let mut lines = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            let step = decoder.decode(&mut input);
            assert!(decoder.held_bytes() <= BYTES_MAX);
            match step {
                Ok(Some(line)) => lines.push(line),
                Ok(None) => break,
                Err(error) => return (lines, Some(error)),
            }
        }
        assert!(input.is_empty(), "`None` means that the input is used up");
    }
    (lines, None)
}

/// The rule in its plainest form: split at the ends, stop at the first line that is too long.
fn plain_rule(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<FrameError>) {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        if end > BYTES_MAX {
            return (lines, Some(FrameError::TooLong { bytes_max: BYTES_MAX }));
        }
        if !rest[..end].trim_ascii().is_empty() {
            lines.push(rest[..end].to_vec());
        }
        rest = &rest[end + 1..];
    }
    (lines, (rest.len() > BYTES_MAX).then_some(FrameError::TooLong { bytes_max: BYTES_MAX }))
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn id() -> impl Strategy<Value = Id> {
    prop_oneof![any::<i64>().prop_map(Id::Number), ".{0,20}".prop_map(Id::Text)]
}

fn options() -> impl Strategy<Value = TaskOptions> {
    prop::collection::btree_map(".{0,8}", json(), 0..4).prop_map(|map| {
        TaskOptions::try_from(Value::Object(map.into_iter().collect())).expect("a small object")
    })
}

fn task_type() -> impl Strategy<Value = TaskType> {
    ".{0,16}".prop_map(TaskType::from)
}

fn result() -> impl Strategy<Value = Option<FetchResult>> {
    prop::option::of(prop_oneof![
        Just(FetchResult::NoData),
        Just(FetchResult::NewData),
        Just(FetchResult::Failed)
    ])
}

fn request() -> impl Strategy<Value = AppRequest> {
    prop_oneof![
        (".{0,30}", task_type(), options()).prop_map(|(task, task_type, options)| AppRequest::Register(
            Register { task, task_type, options }
        )),
        (".{0,30}", prop::option::of(task_type()))
            .prop_map(|(task, task_type)| AppRequest::Unregister(Unregister { task, task_type })),
        (-1e9..1e9).prop_map(|seconds| {
            let seconds = Seconds::try_from(seconds).expect("finite");
            AppRequest::SetMinimumInterval(SetMinimumInterval { seconds })
        }),
        (".{0,30}", result(), prop::option::of(".{0,30}"), any::<bool>()).prop_map(
            |(event_id, result, message, undefined_task)| {
                AppRequest::Finish(Finish { event_id, result, message, undefined_task })
            }
        ),
    ]
}

fn line_of(id: Id, request: AppRequest) -> Vec<u8> {
    let line = match request {
        AppRequest::Register(call) => to_line(&Request::call(id, call)),
        AppRequest::Unregister(call) => to_line(&Request::call(id, call)),
        AppRequest::SetMinimumInterval(call) => to_line(&Request::call(id, call)),
        AppRequest::Finish(call) => to_line(&Request::call(id, call)),
        other => panic!("{other:?} is not made above"),
    };
    line.expect("it fits a frame")
}

proptest! {
    #[test]
    fn the_decoder_follows_the_plain_rule_however_the_bytes_are_cut(
        bytes in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n'), 1 => Just(b' ')], 0..200),
        cuts in prop::collection::vec(0usize..200, 0..6),
    ) {
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        ends.extend([0, bytes.len()]);
        ends.sort_unstable();
        let pieces: Vec<&[u8]> = ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode_all(&pieces), plain_rule(&bytes));
    }

    #[test]
    fn no_line_makes_the_parser_panic_and_every_error_has_an_answer(
        line in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            json().prop_map(|value| value.to_string().into_bytes()),
        ],
    ) {
        if let Err(error) = Message::parse(&line) {
            let answer = to_line(&Response::from(error)).expect("it fits a frame");
            let Ok(Message::Response(heard)) = Message::parse(&answer) else { panic!("an answer") };
            prop_assert!(heard.outcome.is_err());
        }
    }

    #[test]
    fn any_parameters_are_read_or_refused(
        method in prop::sample::select(&AppRequest::METHODS[..]),
        params in prop::collection::btree_map(
            prop_oneof![
                ".{0,8}",
                prop::sample::select(&["protocol", "task", "type", "options", "seconds", "eventId", "result"][..])
                    .prop_map(str::to_owned),
            ],
            json(),
            0..6,
        ),
    ) {
        let params: bgfetch_wire::rpc::Params = params.into_iter().collect();
        if let Err(error) = AppRequest::parse(method, params.clone()) {
            prop_assert!(ErrorObject::from(error).known_code().is_some());
        }
        let _ = HostEvent::parse("execute", params);
    }

    #[test]
    fn requests_arrive_as_they_were_sent(id in id(), sent in request()) {
        let line = line_of(id.clone(), sent.clone());
        prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        let Message::Request(heard) = Message::parse(&line).expect("a message") else { panic!("a request") };
        prop_assert_eq!(&heard.id, &id);
        prop_assert_eq!(AppRequest::parse(&heard.method, heard.params).expect("its parameters"), sent);
    }

    #[test]
    fn answers_arrive_as_they_were_sent(
        id in prop::option::of(id()),
        outcome in prop_oneof![
            json().prop_map(Ok),
            (prop::sample::select(&ErrorCode::ALL[..]), ".{0,40}", json())
                .prop_map(|(code, message, detail)| Err(ErrorObject::new(code, message).with("detail", detail))),
        ],
    ) {
        let sent = Response { id, outcome };
        let line = to_line(&sent).expect("it fits a frame");
        prop_assert_eq!(Message::parse(&line), Ok(Message::Response(sent)));
    }

    #[test]
    fn runs_arrive_as_they_were_sent(
        texts in prop::array::uniform4(".{0,30}"),
        numbers in any::<[u64; 3]>(),
        active in any::<bool>(),
        simulated in any::<bool>(),
    ) {
        let [event_id, task_name, code, text] = texts;
        let [wake, missed, limit_ms] = numbers;
        let app_state = if active { AppState::Active } else { AppState::Background };
        let reason = Reason { code, text };
        let execution_info =
            ExecutionInfo { event_id, task_name, app_state, wake, missed, reason, limit_ms, simulated };
        let sent = Execute { data: serde_json::Map::new(), error: None, execution_info };
        let line = to_line(&Notification::event(sent.clone())).expect("it fits a frame");
        let Message::Notification(heard) = Message::parse(&line).expect("a message") else { panic!("an event") };
        prop_assert_eq!(HostEvent::parse(&heard.method, heard.params).expect("read"), Some(HostEvent::Execute(sent)));
    }
}
