//! Commands and answers, there and back.

use super::*;
use crate::{Id, Incoming, Request, parse};

fn request(line: &[u8]) -> Request {
    match parse(line, 1) {
        Ok(Incoming::Single(request)) => request,
        other => panic!("not a single request: {other:?}"),
    }
}

fn decode(json: &str) -> Result<AdminCall, String> {
    AdminCall::decode(&request(json.as_bytes())).map_err(|error| error.message)
}

#[test]
fn reads_every_command_that_it_writes() {
    let names = || vec!["3".to_owned(), "all".to_owned()];
    for call in [
        AdminCall::Auth(Token::new(&"x".repeat(32)).unwrap()),
        AdminCall::GetInfo,
        AdminCall::Sessions,
        AdminCall::Groups,
        AdminCall::Peers,
        AdminCall::AddPeer {
            real_name: "host v1.4 s".to_owned(),
        },
        AdminCall::Disconnect {
            session_ids: names(),
        },
        AdminCall::Log {
            session_ids: names(),
        },
        AdminCall::DaemonUrl { urls: None },
        AdminCall::DaemonUrl {
            urls: Some("http://a,http://b".to_owned()),
        },
        AdminCall::Reorg { count: 7 },
        AdminCall::Query {
            items: names(),
            limit: ItemLimit(5),
            verbose: true,
        },
        AdminCall::Ban {
            network: "192.0.2.0/24".to_owned(),
            reason: Some("greedy".to_owned()),
            secs: Some(60),
        },
        AdminCall::Unban {
            network: "192.0.2.1".to_owned(),
        },
        AdminCall::Banned,
        AdminCall::Reload,
        AdminCall::Stop,
    ] {
        let line = call.encode();
        assert_eq!(line.last(), Some(&b'\n'));
        assert_eq!(AdminCall::decode(&request(&line)), Ok(call));
    }
}

#[test]
fn takes_what_electrumx_s_client_sends() {
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (json, expected) in [
        (
            r#"{"id":0,"method":"disconnect","params":{"session_ids":["5","6"]}}"#,
            AdminCall::Disconnect {
                session_ids: ids(&["5", "6"]),
            },
        ),
        (
            r#"{"id":0,"method":"log","params":[[5]]}"#,
            AdminCall::Log {
                session_ids: ids(&["5"]),
            },
        ),
        (
            r#"{"id":0,"method":"log","params":["all"]}"#,
            AdminCall::Log {
                session_ids: ids(&["all"]),
            },
        ),
        (
            r#"{"id":0,"method":"reorg"}"#,
            AdminCall::Reorg { count: 3 },
        ),
        (
            r#"{"id":0,"method":"query","params":{"items":["x"],"limit":1000}}"#,
            AdminCall::Query {
                items: ids(&["x"]),
                limit: ItemLimit::default(),
                verbose: false,
            },
        ),
    ] {
        assert_eq!(decode(json), Ok(expected), "{json}");
    }
}

#[test]
fn says_what_is_wrong_with_a_command() {
    for (json, expected) in [
        (r#"{"id":0,"method":"halt"}"#, "unknown method \"halt\""),
        (
            r#"{"id":0,"method":"stop","params":[1]}"#,
            "1 argument passed to method stop taking at most 0",
        ),
        (
            r#"{"id":0,"method":"disconnect"}"#,
            "0 arguments passed to method \"disconnect\" but it requires 1",
        ),
        (
            r#"{"id":0,"method":"disconnect","params":[[]]}"#,
            "expected a list of 1 to 1000 names, came 0",
        ),
        (
            r#"{"id":0,"method":"log","params":[{}]}"#,
            "{} should be a text or a number",
        ),
        (
            r#"{"id":0,"method":"reorg","params":["many"]}"#,
            "many should be a non-negative integer",
        ),
    ] {
        assert_eq!(decode(json), Err(expected.to_owned()), "{json}");
    }
}

#[test]
fn writes_rows_as_arrays_and_reads_them_back() {
    let row = GroupRow {
        name: "192.0.2.0/24".to_owned(),
        sessions: 2,
        cost: 1.5,
        ..GroupRow::default()
    };
    let answer = AdminAnswer::Groups(vec![row]);
    let mut line = Vec::new();
    encode_admin_response(&mut line, &Id::Json("7".into()), &Ok(answer.clone()));
    assert_eq!(
        String::from_utf8_lossy(&line),
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\
         [[\"192.0.2.0/24\",2,1.5,0.0,0,0,0,0,0,0,0]]}\n"
    );
    let response = AdminResponse::decode(&AdminCall::Groups, &line).unwrap();
    assert_eq!(response.answer, answer);
    assert!(response.raw.starts_with("[["));
}

#[test]
fn hands_errors_through() {
    let mut line = Vec::new();
    let refused = Err(crate::RpcError::bad_request(
        "still catching up with daemon",
    ));
    encode_admin_response(&mut line, &Id::Json("0".into()), &refused);
    let error = AdminResponse::decode(&AdminCall::Stop, &line).unwrap_err();
    assert_eq!(error.message, "still catching up with daemon");
    let error = AdminResponse::decode(&AdminCall::Stop, b"HTTP/1.1 400 Bad Request").unwrap_err();
    assert!(error.message.contains("another program"), "{error}");
    let mut nothing = Vec::new();
    encode_admin_response(&mut nothing, &Id::Notification, &refused);
    assert!(nothing.is_empty());
}

#[test]
fn writes_times_as_electrumx_does() {
    for (secs, text) in [
        (0, "00s"),
        (59, "59s"),
        (61, "01m 01s"),
        (3600, "01h 00m 00s"),
        (86_400 + 7260, "1d 02h 01m"),
    ] {
        assert_eq!(formatted_time(secs, " "), text);
    }
}

#[test]
fn takes_only_long_tokens_and_never_shows_them() {
    let token = Token::new(&format!(" {}\n", "a".repeat(32))).unwrap();
    assert_eq!(Token::new("short"), Err(TokenError { len: 5 }));
    assert!(token.is_same(&Token::claimed("a".repeat(32))));
    assert!(!token.is_same(&Token::claimed("a".repeat(33))));
    assert!(!token.is_same(&Token::claimed("b".repeat(32))));
    assert!(!format!("{:?}", AdminCall::Auth(token)).contains('a'.to_string().repeat(4).as_str()));
}
