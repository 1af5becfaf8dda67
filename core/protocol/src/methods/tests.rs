use electrode_coin::{Height, ScriptHash, Txid};

use super::*;
use crate::{Dialect, FeeMode, Host, Incoming, Ports, Request, RequestedVersion, parse};

const HASH: &str = "8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161";

fn request(method: &str, params: &str) -> Request {
    let message = format!(r#"{{"id":1,"method":"{method}","params":{params}}}"#);
    match parse(message.as_bytes(), 1) {
        Ok(Incoming::Single(request)) => request,
        other => panic!("{message} gave {other:?}"),
    }
}

fn decode_in(version: ProtocolVersion, method: &str, params: &str) -> Result<Call, RpcError> {
    Dialect::new(version).decode(&request(method, &params.replace("HASH", HASH)))
}

#[track_caller]
fn check(method: &str, params: &str, expected: &Call) {
    assert_eq!(
        &decode_in(ProtocolVersion::V1_6, method, params).unwrap(),
        expected,
        "{params}"
    );
    assert_eq!(expected.method().name(), method);
}

#[track_caller]
fn check_error(method: &str, params: &str, code: i64, message: &str) {
    let error = decode_in(ProtocolVersion::V1_4_2, method, params).unwrap_err();
    assert_eq!(
        (error.code, &*error.message),
        (code, message),
        "{method} {params}"
    );
}

#[test]
fn decodes_calls_without_arguments() {
    for call in [
        Call::Banner,
        Call::DonationAddress,
        Call::Features,
        Call::PeersSubscribe,
        Call::Ping,
        Call::HeadersSubscribe,
        Call::FeeHistogram,
        Call::MempoolInfo,
    ] {
        for params in ["[]", "{}", "null"] {
            check(call.method().name(), params, &call);
        }
    }
}

#[test]
fn decodes_calls_about_scripts() {
    let script_hash: ScriptHash = HASH.parse().unwrap();
    for call in [
        Call::GetBalance(script_hash),
        Call::GetHistory(script_hash),
        Call::GetMempool(script_hash),
        Call::ListUnspent(script_hash),
        Call::Subscribe {
            script: script_hash,
            spelling: None,
        },
        Call::Unsubscribe(script_hash),
    ] {
        check(call.method().name(), r#"["HASH"]"#, &call);
        check(call.method().name(), r#"{"scripthash":"HASH"}"#, &call);
        let error =
            decode_in(ProtocolVersion::V1_6, call.method().name(), r#"["xy"]"#).unwrap_err();
        assert_eq!(
            (error.code, &*error.message),
            (1, "xy is not a valid script hash")
        );
    }
    for not_a_hash in ["null", "5", "[\"HASH\"]", "\"\"", "\"HASHff\""] {
        let params = format!("[{not_a_hash}]");
        let decoded = decode_in(
            ProtocolVersion::V1_6,
            "blockchain.scripthash.subscribe",
            &params,
        );
        assert_eq!(decoded.unwrap_err().code, 1, "{params}");
    }
}

#[test]
fn remembers_how_a_script_hash_is_written() {
    let decode = |method, text: &str| {
        let params = format!("[\"{text}\"]");
        decode_in(ProtocolVersion::V1_6, method, &params).unwrap()
    };
    let capitals = HASH.to_uppercase();
    let script: ScriptHash = HASH.parse().unwrap();
    let subscribed = decode("blockchain.scripthash.subscribe", &capitals);
    let spelling = crate::Spelling::of(&capitals);
    assert!(spelling.is_some());
    assert_eq!(subscribed, Call::Subscribe { script, spelling });
    let asked = decode("blockchain.scripthash.get_history", &capitals);
    assert_eq!(asked, Call::GetHistory(script));
}

#[test]
fn decodes_calls_about_blocks() {
    for (params, height, cp_height) in [
        ("[5]", 5, 0),
        ("[5, 8]", 5, 8),
        (r#"["12"]"#, 12, 0),
        (r#"[" 12 ", 0]"#, 12, 0),
        ("[12.7, 1e2]", 12, 100),
        ("[4294967295]", u32::MAX, 0),
        ("[4294967296]", u32::MAX, 0),
        ("[1e300]", u32::MAX, 0),
        (r#"["99999999999999999999999"]"#, u32::MAX, 0),
        (r#"{"height":5}"#, 5, 0),
        (r#"{"cp_height":8,"height":5}"#, 5, 8),
    ] {
        let call = Call::BlockHeader {
            height: Height(height),
            cp_height: Height(cp_height),
        };
        check("blockchain.block.header", params, &call);
    }
    let (start, cp_height) = (Height(1), Height(0));
    let call = Call::BlockHeaders {
        start,
        count: 2016,
        cp_height,
    };
    check("blockchain.block.headers", "[1,2016]", &call);
    check(
        "blockchain.block.headers",
        r#"{"start_height":1,"count":2016,"cp_height":0}"#,
        &call,
    );
}

#[test]
fn decodes_calls_about_transactions() {
    let txid: Txid = HASH.parse().unwrap();
    for (params, verbose) in [
        (r#"["HASH"]"#, false),
        (r#"["HASH", false]"#, false),
        (r#"["HASH", true]"#, true),
        (r#"["HASH", 1]"#, true),
        (r#"{"tx_hash":"HASH","verbose":true}"#, true),
    ] {
        check(
            "blockchain.transaction.get",
            params,
            &Call::TransactionGet { txid, verbose },
        );
    }
    let height = Height(7);
    let call = Call::GetMerkle { txid, height };
    check("blockchain.transaction.get_merkle", r#"["HASH", 7]"#, &call);
    for (params, merkle) in [("[7,3]", false), ("[7,3,true]", true)] {
        let call = Call::IdFromPos {
            height,
            tx_pos: 3,
            merkle,
        };
        check("blockchain.transaction.id_from_pos", params, &call);
    }
    let call = Call::Broadcast {
        raw: "00Ff".to_owned(),
    };
    check("blockchain.transaction.broadcast", r#"["00Ff"]"#, &call);
    let raws = vec!["00".to_owned(), "ff".to_owned()];
    let call = Call::BroadcastPackage {
        raws,
        verbose: true,
    };
    check(
        "blockchain.transaction.broadcast_package",
        r#"[["00","ff"],true]"#,
        &call,
    );
}

#[test]
fn decodes_fee_calls() {
    for (params, mode) in [
        ("[6]", None),
        ("[6,null]", None),
        (r#"[6,"CONSERVATIVE"]"#, Some(FeeMode::Conservative)),
        (r#"[6,"economical"]"#, Some(FeeMode::Economical)),
    ] {
        check(
            "blockchain.estimatefee",
            params,
            &Call::EstimateFee { blocks: 6, mode },
        );
    }
}

#[test]
fn decodes_introductions() {
    let one = |text: &str| {
        let version = text.parse().unwrap();
        RequestedVersion::Range {
            min: version,
            max: version,
        }
    };
    let range = |min: &str, max: &str| RequestedVersion::Range {
        min: min.parse().unwrap(),
        max: max.parse().unwrap(),
    };
    let unreadable = |text: &str| RequestedVersion::Unreadable(text.to_owned());
    for (params, name, requested) in [
        ("[]", "", RequestedVersion::Unstated),
        (r#"["w"]"#, "w", RequestedVersion::Unstated),
        (r#"["w", null]"#, "w", RequestedVersion::Unstated),
        (r#"["w", "1.4"]"#, "w", one("1.4")),
        (r#"["w", ["1.4", "1.6"]]"#, "w", range("1.4", "1.6")),
        (r#"["w", "1.6", "more", {"and": "more"}]"#, "w", one("1.6")),
        (
            r#"{"client_name":"w","protocol_version":["1.3","1.4.2"]}"#,
            "w",
            range("1.3", "1.4.2"),
        ),
        (r#"{"protocol_version":"1.4","other":1}"#, "", one("1.4")),
        (r#"["w", "x"]"#, "w", unreadable("x")),
        (r#"["w", ["1.4"]]"#, "w", unreadable("[\"1.4\"]")),
        (
            r#"["w", ["1.4", "1.5", "1.6"]]"#,
            "w",
            unreadable("[\"1.4\", \"1.5\", \"1.6\"]"),
        ),
        (r#"["w", ["1.4", 2]]"#, "w", unreadable("[\"1.4\", 2]")),
        ("[5, 1.4]", "5", unreadable("1.4")),
    ] {
        let call = Call::ServerVersion {
            client_name: name.to_owned(),
            requested,
        };
        check("server.version", params, &call);
    }
    let params = format!("[{:?}]", "x".repeat(1000));
    let client_name = "x".repeat(128);
    let requested = RequestedVersion::Unstated;
    check(
        "server.version",
        &params,
        &Call::ServerVersion {
            client_name,
            requested,
        },
    );
}

#[test]
fn reads_the_hosts_of_a_peer() {
    let ports = Ports {
        tcp_port: Some(50001),
        ssl_port: None,
        ..Ports::default()
    };
    let host = Host {
        name: "a.b".to_owned(),
        ports,
    };
    for (features, hosts) in [
        (
            r#"{"hosts":{"a.b":{"tcp_port":50001,"ssl_port":null,"x":1}},"pruning":null}"#,
            vec![host],
        ),
        (r#"{"hosts":{"a.b":{"tcp_port":70000},"c":5}}"#, vec![]),
        (r#"{"hosts":[]}"#, vec![]),
        ("{}", vec![]),
        ("5", vec![]),
    ] {
        check(
            "server.add_peer",
            &format!("[{features}]"),
            &Call::AddPeer { hosts },
        );
    }
    let many: Vec<_> = (0..100).map(|host| format!("\"h{host}\":{{}}")).collect();
    let features = format!("[{{\"hosts\":{{{}}}}}]", many.join(","));
    let Ok(Call::AddPeer { hosts }) =
        decode_in(ProtocolVersion::V1_6, "server.add_peer", &features)
    else {
        panic!("a peer was expected");
    };
    assert_eq!(hosts.len(), 8);
}

#[test]
fn has_each_method_in_its_versions() {
    let [v1_4, v1_4_1, v1_4_2, v1_4_3, v1_6] = ProtocolVersion::SERVED;
    for (method, params, versions) in [
        ("server.ping", "[]", &ProtocolVersion::SERVED[..]),
        (
            "blockchain.scripthash.unsubscribe",
            r#"["HASH"]"#,
            &[v1_4_2, v1_4_3, v1_6],
        ),
        ("blockchain.relayfee", "[]", &[v1_4, v1_4_1, v1_4_2, v1_4_3]),
        ("mempool.get_info", "[]", &[v1_6]),
        ("blockchain.transaction.broadcast_package", "[[]]", &[v1_6]),
        ("blockchain.numblocks.subscribe", "[]", &[]),
    ] {
        for version in ProtocolVersion::SERVED {
            match decode_in(version, method, params) {
                Ok(call) => {
                    assert!(versions.contains(&version), "{method} in {version}");
                    assert_eq!(call.method().name(), method);
                }
                Err(error) => {
                    assert!(!versions.contains(&version), "{method} in {version}");
                    assert_eq!(error, RpcError::unknown_method(method));
                }
            }
        }
    }
}

#[test]
fn names_every_method_once_per_version() {
    for version in ProtocolVersion::SERVED {
        let mut names: Vec<_> = METHODS
            .iter()
            .filter(|method| method.is_in(version))
            .map(|method| method.name)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{version}");
    }
}

#[test]
fn refuses_names_that_are_no_text() {
    let error = decode_in(ProtocolVersion::V1_6, "server.ping", r#"{"\ud800":0}"#).unwrap_err();
    assert_eq!(error.code, -32602);
}

#[test]
fn refuses_wrong_arguments() {
    let get = "blockchain.transaction.get";
    check_error("x", "[]", -32601, "unknown method \"x\"");
    for (params, message) in [
        (
            "[]",
            "0 arguments passed to method \"blockchain.transaction.get\" but it requires 1",
        ),
        (
            "[1,2,3]",
            "3 arguments passed to method blockchain.transaction.get taking at most 2",
        ),
        (
            "[1,2,3,4,5]",
            "5 arguments passed to method blockchain.transaction.get taking at most 2",
        ),
        (
            "{}",
            "method \"blockchain.transaction.get\" requires parameter \"tx_hash\"",
        ),
        (
            r#"{"tx_hash":"HASH","height":1,"x":2}"#,
            "method \"blockchain.transaction.get\" does not take parameter \"height\"",
        ),
    ] {
        check_error(get, params, -32602, message);
    }
    check_error(
        "blockchain.transaction.get_merkle",
        r#"["HASH"]"#,
        -32602,
        "1 argument passed to method \"blockchain.transaction.get_merkle\" but it requires 2",
    );
}

#[test]
fn refuses_arguments_of_the_wrong_type() {
    let get = "blockchain.transaction.get";
    for (method, params, message) in [
        (get, r#"["ab"]"#, "ab should be a transaction hash"),
        (get, r#"["HASH", "yes"]"#, "yes should be a boolean value"),
        (get, r#"["HASH", null]"#, "null should be a boolean value"),
        (
            "blockchain.block.header",
            "[-1]",
            "-1 should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            r#"["-1"]"#,
            "-1 should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            r#"["1.5"]"#,
            "1.5 should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            r#"[""]"#,
            " should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            "[null]",
            "null should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            "[[1]]",
            "[1] should be a non-negative integer",
        ),
        (
            "blockchain.block.header",
            "[1e999]",
            "1e999 should be a non-negative integer",
        ),
        (
            "blockchain.transaction.broadcast",
            r#"["0"]"#,
            "0 should be a hex string",
        ),
        (
            "blockchain.transaction.broadcast",
            r#"["0g"]"#,
            "0g should be a hex string",
        ),
        (
            "blockchain.transaction.broadcast",
            "[5]",
            "5 should be a hex string",
        ),
        (
            "blockchain.estimatefee",
            r#"[5,"FAST"]"#,
            "unknown estimatefee mode: FAST",
        ),
    ] {
        check_error(method, params, 1, message);
    }
}

#[test]
fn refuses_long_packages() {
    let package = |len: usize| format!("[[{}]]", vec!["\"00\""; len].join(","));
    let method = "blockchain.transaction.broadcast_package";
    assert!(decode_in(ProtocolVersion::V1_6, method, &package(25)).is_ok());
    for params in [
        package(26),
        package(1000),
        r#"["00"]"#.to_owned(),
        "[[\"0\"]]".to_owned(),
    ] {
        let error = decode_in(ProtocolVersion::V1_6, method, &params).unwrap_err();
        assert_eq!(error.code, 1, "{params}");
    }
}

#[test]
fn negotiates_once() {
    let version = request("server.version", r#"["w","1.4"]"#);
    assert!(Dialect::new(ProtocolVersion::V1_4).decode(&version).is_ok());
    let error = Dialect::negotiated(ProtocolVersion::V1_6)
        .decode(&version)
        .unwrap_err();
    assert_eq!(
        (error.code, &*error.message),
        (1, "server.version already sent")
    );
}
