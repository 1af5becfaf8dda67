use electrode_coin::{BlockHash, Sats, Txid};
use serde_json::{Value, json, value::to_raw_value};

use super::*;
use crate::{
    Features, Host, MempoolEntry, MempoolHeight, MempoolInfo, PackageError, Peer, Ports,
    ProtocolVersion, StatusHasher, Unspent, merkle::Proof,
};

const OLD: Dialect = Dialect::negotiated(ProtocolVersion::V1_4_2);
const NEW: Dialect = Dialect::negotiated(ProtocolVersion::V1_6);

fn txid(first: u8) -> Txid {
    let mut txid = Txid([0; 32]);
    txid.0[31] = first;
    txid
}

/// How [`txid`] is displayed.
fn shown(first: u8) -> String {
    format!("{first:02x}{}", "00".repeat(31))
}

fn proof() -> Proof {
    Proof {
        branch: vec![txid(0xb1).0, txid(0xb2).0],
        root: txid(0xaa).0,
    }
}

fn entry(first: u8, height: MempoolHeight) -> MempoolEntry {
    MempoolEntry {
        txid: txid(first),
        height,
        fee: Sats(200),
    }
}

fn encode(result: &Result<Answer, RpcError>, dialect: Dialect) -> String {
    let mut out = Vec::new();
    encode_response(&mut out, &Id::Json("7".into()), result, dialect);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check_in(dialect: Dialect, answer: Answer, expected: &str) {
    let line = encode(&Ok(answer), dialect);
    assert_eq!(
        line,
        format!(r#"{{"jsonrpc":"2.0","id":7,"result":{expected}}}"#)
    );
    serde_json::from_str::<Value>(&line).unwrap();
}

#[track_caller]
fn check(answer: Answer, expected: &str) {
    check_in(OLD, answer.clone(), expected);
    check_in(NEW, answer, expected);
}

#[test]
fn encodes_plain_answers() {
    check(Answer::Null, "null");
    check(Answer::Bool(true), "true");
    check(Answer::Text("say \"hi\"\n".into()), r#""say \"hi\"\n""#);
    let (server, version) = ("Electrode 0.1".into(), ProtocolVersion::V1_4_2);
    check(
        Answer::Version { server, version },
        r#"["Electrode 0.1","1.4.2"]"#,
    );
    check(Answer::Txid(txid(0xab)), &format!("{:?}", shown(0xab)));
    check(Answer::TransactionHex([1, 0, 0xfe].into()), r#""0100fe""#);
    check(
        Answer::Balance {
            confirmed: Sats(5),
            unconfirmed: -7,
        },
        r#"{"confirmed":5,"unconfirmed":-7}"#,
    );
}

#[test]
fn writes_rates_without_exponent() {
    for (value, expected) in [
        (0.00001, "0.00001"),
        (0.000_010_1, "0.0000101"),
        (-1.0, "-1"),
        (0.0, "0"),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (f64::NAN, "null"),
    ] {
        check(Answer::Number(value), expected);
    }
    check(
        Answer::FeeHistogram(vec![(59.5, 30324), (12.0, 1)]),
        "[[59.5,30324],[12,1]]",
    );
    check(
        Answer::MempoolInfo(MempoolInfo {
            mempoolminfee: 0.00001,
            minrelaytxfee: 0.000001,
            incrementalrelayfee: 0.0,
        }),
        r#"{"mempoolminfee":0.00001,"minrelaytxfee":0.000001,"incrementalrelayfee":0}"#,
    );
}

#[test]
fn encodes_headers_as_each_version_has_them() {
    let headers = vec![vec![0xab; 2], vec![0xcd; 3]];
    let answer = |proof| Answer::Headers {
        headers: headers.clone(),
        max: 2016,
        proof,
    };
    check_in(
        OLD,
        answer(None),
        r#"{"count":2,"hex":"ababcdcdcd","max":2016}"#,
    );
    check_in(
        NEW,
        answer(None),
        r#"{"count":2,"headers":["abab","cdcdcd"],"max":2016}"#,
    );
    let end = format!(
        r#","max":2016,"branch":["{}","{}"],"root":"{}"}}"#,
        shown(0xb1),
        shown(0xb2),
        shown(0xaa)
    );
    check_in(
        OLD,
        answer(Some(proof())),
        &format!(r#"{{"count":2,"hex":"ababcdcdcd"{end}"#),
    );
    let list = r#"["abab","cdcdcd"]"#;
    check_in(
        NEW,
        answer(Some(proof())),
        &format!(r#"{{"count":2,"headers":{list}{end}"#),
    );
    let none = Answer::Headers {
        headers: vec![],
        max: 9,
        proof: None,
    };
    check_in(OLD, none.clone(), r#"{"count":0,"hex":"","max":9}"#);
    check_in(NEW, none, r#"{"count":0,"headers":[],"max":9}"#);
}

#[test]
fn encodes_one_header() {
    let header = vec![0x01, 0xff];
    check(
        Answer::Header {
            header: header.clone(),
        },
        r#""01ff""#,
    );
    check(
        Answer::Tip {
            header: header.clone(),
            height: Height(9),
        },
        r#"{"hex":"01ff","height":9}"#,
    );
    let (first, second, root) = (shown(0xb1), shown(0xb2), shown(0xaa));
    check(
        Answer::HeaderProof {
            header,
            proof: proof(),
        },
        &format!(r#"{{"header":"01ff","branch":["{first}","{second}"],"root":"{root}"}}"#),
    );
}

#[test]
fn encodes_histories() {
    let (first, second, third) = (shown(1), shown(2), shown(3));
    let confirmed = vec![(txid(1), Height(7))];
    let mempool = vec![
        entry(2, MempoolHeight::AllConfirmed),
        entry(3, MempoolHeight::UnconfirmedInputs),
    ];
    let in_block = format!(r#"{{"tx_hash":"{first}","height":7}}"#);
    let waiting = format!(
        r#"{{"tx_hash":"{second}","height":0,"fee":200}},{{"tx_hash":"{third}","height":-1,"fee":200}}"#
    );
    check(Answer::Mempool(mempool.clone()), &format!("[{waiting}]"));
    for (confirmed, mempool, expected) in [
        (
            confirmed.clone(),
            mempool.clone(),
            format!("[{in_block},{waiting}]"),
        ),
        (confirmed, vec![], format!("[{in_block}]")),
        (vec![], mempool, format!("[{waiting}]")),
        (vec![], vec![], "[]".to_owned()),
    ] {
        let confirmed = confirmed.into();
        check(Answer::History { confirmed, mempool }, &expected);
    }
    check(
        Answer::Unspent(vec![Unspent {
            txid: txid(1),
            vout: 3,
            height: Height(7),
            value: Sats(9),
        }]),
        &format!(r#"[{{"tx_hash":"{first}","tx_pos":3,"height":7,"value":9}}]"#),
    );
}

#[test]
fn encodes_branches() {
    let (first, second, tx_hash) = (shown(0xb1), shown(0xb2), shown(0xab));
    let branch = proof().branch;
    check(
        Answer::Merkle {
            height: Height(450_538),
            branch: branch.clone(),
            pos: 710,
        },
        &format!(r#"{{"block_height":450538,"merkle":["{first}","{second}"],"pos":710}}"#),
    );
    check(
        Answer::TxidProof {
            txid: txid(0xab),
            branch,
        },
        &format!(r#"{{"tx_hash":"{tx_hash}","merkle":["{first}","{second}"]}}"#),
    );
}

#[test]
fn encodes_features_and_peers() {
    let ports = Ports {
        tcp_port: Some(50001),
        ..Ports::default()
    };
    let features = Features {
        hosts: vec![Host {
            name: "example.org".into(),
            ports,
        }],
        server_version: "Electrode 0.1".into(),
        protocol_min: ProtocolVersion::V1_4,
        protocol_max: ProtocolVersion::V1_6,
        genesis_hash: BlockHash(txid(0xab).0),
        services: vec![],
    };
    let expected = json!({
        "hosts": {"example.org": {"tcp_port": 50001}},
        "pruning": null,
        "server_version": "Electrode 0.1",
        "protocol_min": "1.4",
        "protocol_max": "1.6",
        "genesis_hash": shown(0xab),
        "hash_function": "sha256",
        "services": [],
    });
    let line = encode(&Ok(Answer::Features(features)), NEW);
    assert_eq!(
        serde_json::from_str::<Value>(&line).unwrap()["result"],
        expected
    );
    let peer = Peer {
        ip: "1.2.3.4".into(),
        host: "a.b".into(),
        details: vec!["v1.6".into()],
    };
    check(Answer::Peers(vec![peer]), r#"[["1.2.3.4","a.b",["v1.6"]]]"#);
}

#[test]
fn sums_up_packages() {
    let id = shown(5);
    for (node, success, errors) in [
        (
            json!({"package_msg": "success", "tx-results": {"w": {"txid": id}}}),
            true,
            vec![],
        ),
        (json!({"tx-results": {"w": {"txid": id}}}), true, vec![]),
        (
            json!({"package_msg": "transaction failed", "tx-results": {
                "w": {"txid": id, "error": "min relay fee not met"}, "x": {"txid": 1}, "y": null
            }}),
            false,
            vec![PackageError {
                txid: txid(5),
                error: "min relay fee not met".into(),
            }],
        ),
        (json!({"package_msg": "transaction failed"}), false, vec![]),
        (json!({"package_msg": "x", "tx-results": []}), false, vec![]),
    ] {
        let Answer::PackageResult(result) = Answer::package_result(&node) else {
            panic!()
        };
        assert_eq!((result.success, result.errors), (success, errors), "{node}");
    }
    let errors = vec![PackageError {
        txid: txid(5),
        error: "bad \"fee\"".into(),
    }];
    check(
        Answer::PackageResult(crate::PackageResult {
            success: false,
            errors,
        }),
        &format!(r#"{{"success":false,"errors":[{{"txid":"{id}","error":"bad \"fee\""}}]}}"#),
    );
    let errors = vec![];
    check(
        Answer::PackageResult(crate::PackageResult {
            success: true,
            errors,
        }),
        r#"{"success":true}"#,
    );
}

#[test]
fn keeps_what_the_node_says_on_one_line() {
    let pretty = serde_json::from_str("{\n\"a\":\r\n\"x\\n\"}").unwrap();
    check(Answer::DaemonJson(pretty), "{ \"a\":  \"x\\n\"}");
    check(
        Answer::DaemonJson(to_raw_value(&json!([1])).unwrap()),
        "[1]",
    );
    check(Answer::daemon_value(&json!({"a": 1})), r#"{"a":1}"#);
}

#[test]
fn echoes_ids_and_reports_errors() {
    for id in ["7", "\"x\\u0000\"", "null", "1.50"] {
        let mut out = Vec::new();
        encode_response(&mut out, &Id::Json(id.into()), &Err(RpcError::busy()), NEW);
        let expected = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-102,"message":"server busy - request timed out"}}}}"#
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
    let line = encode(&Err(RpcError::rejected_transaction("a\n\"b\"", "00")), NEW);
    assert!(!line.contains('\n'));
}

#[test]
fn answers_batches_but_not_notifications() {
    let batch = |ids: &[Id]| {
        let mut encoder = BatchEncoder::default();
        for id in ids {
            assert!(encoder.push(id, &Ok(Answer::Null), NEW, usize::MAX));
        }
        String::from_utf8(encoder.finish()).unwrap()
    };
    let (one, two) = (Id::Json("1".into()), Id::Json("\"2\"".into()));
    let null = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#);
    assert_eq!(batch(&[Id::Notification, Id::Notification]), "");
    assert_eq!(
        batch(&[Id::Notification, one.clone(), Id::Notification, two]),
        format!("[{},{}]", null("1"), null("\"2\""))
    );
    assert_eq!(batch(&[one]), format!("[{}]", null("1")));
    let mut out = Vec::new();
    encode_response(&mut out, &Id::Notification, &Ok(Answer::Null), NEW);
    assert!(out.is_empty());
}

#[test]
fn leaves_out_of_a_batch_what_would_make_it_too_long() {
    let id = Id::Json("1".into());
    let mut alone = Vec::new();
    encode_response(&mut alone, &id, &Ok(Answer::Null), NEW);
    for (max_len, expected) in [(alone.len() + 2, true), (alone.len() + 1, false)] {
        let mut encoder = BatchEncoder::default();
        assert_eq!(encoder.push(&id, &Ok(Answer::Null), NEW, max_len), expected);
        let len = encoder.finish().len();
        assert_eq!(len, if expected { max_len } else { 0 });
    }
}

#[test]
fn encodes_notifications() {
    let mut out = Vec::new();
    encode_headers_notification(&mut out, &[0xab], Height(5));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"jsonrpc":"2.0","method":"blockchain.headers.subscribe","params":[{"hex":"ab","height":5}]}"#
    );
    let script_hash = ScriptHash(txid(0xcd).0);
    let status = StatusHasher::new()
        .finish(&[entry(1, MempoolHeight::AllConfirmed)])
        .unwrap();
    for (status, shown_status) in [
        (None, "null".to_owned()),
        (Some(&status), format!("\"{status}\"")),
    ] {
        let mut out = Vec::new();
        encode_status_notification(&mut out, &script_hash, None, status);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            format!(
                r#"{{"jsonrpc":"2.0","method":"blockchain.scripthash.subscribe","params":["{}",{shown_status}]}}"#,
                shown(0xcd)
            )
        );
        check(Answer::Status(status.copied()), &shown_status);
    }
    let capitals = shown(0xcd).to_uppercase();
    let spelling = Spelling::of(&capitals);
    let mut out = Vec::new();
    encode_status_notification(&mut out, &script_hash, spelling.as_ref(), None);
    assert!(
        String::from_utf8(out)
            .unwrap()
            .ends_with(&format!(r#""params":["{capitals}",null]}}"#))
    );
}
