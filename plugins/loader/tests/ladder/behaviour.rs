//! What a plugin does when it is used: the coin in C works, and one that misbehaves breaks down
//! instead of taking the server with it.

use std::{
    env,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
};

use electrode_coin::{Coin, CoinError, Height, OutPoint, Parsed, Sats, TxView, Txid};
use electrode_loader::{ForeignCoin, Wanted};

use crate::support::{Toy, ask, built};

/// Set in the process that loads the plugin that never returns.
const CHILD: &str = "ELECTRODE_TEST_DEAF";

/// Two transactions in the toy's format.
fn block() -> Vec<u8> {
    let header = [&[7, 0, 0, 0][..], &[9; 32], &[0; 44]].concat();
    let tx = |id: u8, value: u64, script: &[u8]| {
        let len = u8::try_from(script.len()).unwrap();
        [&[id; 32][..], &value.to_le_bytes(), &[len], script].concat()
    };
    [header, vec![2], tx(1, 50, b"abc"), tx(2, 7, b"")].concat()
}

fn parse(coin: &ForeignCoin) -> Result<usize, CoinError> {
    let mut count = 0;
    let mut sink = |_: &TxView<'_>| {
        count += 1;
        ControlFlow::Continue(())
    };
    coin.parse_block(Height(1), &block(), &mut sink)
        .map(|()| count)
}

#[test]
fn a_coin_in_c_works() {
    let coin = Toy::new(&[]).load().unwrap();
    let mut seen = Vec::new();
    let mut sink = |tx: &TxView<'_>| {
        assert_eq!(tx.inputs, [OutPoint::NULL]);
        let output = tx.outputs[0];
        seen.push((
            tx.txid,
            tx.offset,
            tx.len,
            output.value,
            output.script.to_vec(),
        ));
        ControlFlow::Continue(())
    };
    coin.parse_block(Height(1), &block(), &mut sink).unwrap();
    assert_eq!(
        seen,
        [
            (Txid([1; 32]), 81, 44, Sats(50), b"abc".to_vec()),
            (Txid([2; 32]), 125, 41, Sats(7), Vec::new()),
        ]
    );
    assert_eq!(coin.header_len(Height(1), &block()), Ok(80));
    assert_eq!(coin.header_prev(&block()).unwrap().0, [9; 32]);
    assert_eq!(
        coin.header_hash(Height(1), &block()).unwrap().unwrap().0[0],
        !7
    );
    let mut scripts = Vec::new();
    coin.index_scripts(b"abc", &mut |script| scripts.push(script.to_vec()));
    assert_eq!(scripts, [b"abc".to_vec(), b"a".to_vec()]);
    let address = "TeNTAPLXvHEYQWMGTWKyVBi3mu7YHGSgtx";
    assert!(
        coin.address_to_script(address).is_err(),
        "no checksum of this coin"
    );
    assert_eq!(
        coin.parse_tx(&[], &mut |_: &TxView<'_>| ControlFlow::Continue(()))
            .map(|parsed| matches!(parsed, Parsed::Skip(_))),
        Ok(true)
    );
    let refused = coin
        .parse_block(Height(1), &block()[..90], &mut sink_all())
        .unwrap_err();
    assert_eq!(refused.to_string(), "malformed block");
    assert_eq!(parse(&coin), Ok(2), "a malformed block breaks nothing");
}

fn sink_all() -> impl FnMut(&TxView<'_>) -> ControlFlow<()> {
    |_| ControlFlow::Continue(())
}

/// Breaks once, with this reason, and then for good.
fn check_broken(define: &str, reason: &str) {
    let coin = Toy::new(&[define]).load().unwrap();
    let expected = CoinError::Plugin {
        reason: reason.to_owned(),
    };
    assert_eq!(parse(&coin), Err(expected.clone()));
    assert_eq!(coin.header_len(Height(1), &block()), Err(expected.clone()));
    assert_eq!(coin.parse_tx(b"x", &mut sink_all()), Err(expected.clone()));
    assert_eq!(
        coin.address_to_script("x").unwrap_err().to_string(),
        expected.to_string()
    );
    assert_eq!(coin.script_to_address(b"x"), None);
}

#[test]
fn a_transaction_outside_of_its_block_breaks_the_coin() {
    check_broken(
        "PARSE_BLOCK=liar",
        "parse_block: it places a transaction at 166 with length 1000, where the one before ends \
         at 0 of 166 bytes",
    );
}

#[test]
fn more_inputs_than_bytes_break_the_coin() {
    check_broken(
        "PARSE_BLOCK=greedy",
        "parse_block: it finds 18446744073709551615 inputs and 0 outputs in a transaction of 166 \
         bytes",
    );
}

#[test]
fn a_null_pointer_breaks_the_coin() {
    check_broken(
        "PARSE_BLOCK=hollow",
        "parse_block: it hands out a transaction with a null pointer in it",
    );
}

#[test]
fn an_unknown_answer_breaks_the_coin() {
    check_broken(
        "PARSE_BLOCK=babble",
        "parse_block answers 77, which means nothing: abra cadabra",
    );
}

#[test]
fn going_on_after_a_stop_breaks_the_coin() {
    let coin = Toy::new(&["PARSE_BLOCK=slow"]).load().unwrap();
    let mut stop = |_: &TxView<'_>| ControlFlow::Break(());
    let error = coin
        .parse_block(Height(1), &block(), &mut stop)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the plugin failed: parse_block goes on after it was told to stop"
    );
}

#[test]
fn a_plugin_that_stops_when_told_is_fine() {
    let coin = Toy::new(&[]).load().unwrap();
    let mut stop = |_: &TxView<'_>| ControlFlow::Break(());
    let stopped = coin.parse_block(Height(1), &block(), &mut stop);
    assert_eq!(stopped, Err(CoinError::Stopped));
    assert_eq!(parse(&coin), Ok(2));
}

/// Foreign code that never returns can only end with the process.
#[test]
fn a_plugin_that_never_heeds_a_stop_ends_the_process() {
    if env::var_os(CHILD).is_some() {
        let coin = Toy::new(&["PARSE_BLOCK=deaf"]).load().unwrap();
        let _never = parse(&coin);
        return;
    }
    let child = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "behaviour::a_plugin_that_never_heeds_a_stop_ends_the_process",
        ])
        .arg("--nocapture")
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(69), "{said}");
    assert!(
        said.contains("a plugin was told 1000000 times to stop"),
        "{said}"
    );
}

#[test]
fn a_panic_of_a_plugin_breaks_the_coin() {
    let wanted = Wanted {
        options: "panic_at = 1",
        ..Wanted::new("Bitcoin", "regtest")
    };
    let coin = ask(&built("electrode_reexport"), None, wanted).unwrap();
    let first = coin
        .parse_block(Height(2), &block(), &mut sink_all())
        .unwrap_err();
    assert!(matches!(first, CoinError::Refused { .. }), "{first}");
    let broken = parse(&coin).unwrap_err();
    let text = broken.to_string();
    assert!(
        text.starts_with("the plugin failed: parse_block panicked: panicked at "),
        "{text}"
    );
    assert!(
        text.contains("asked to panic") && !text.contains('\n'),
        "{text}"
    );
    assert_eq!(coin.header_len(Height(2), &block()), Err(broken));
}

#[test]
fn a_panic_of_the_server_passes_the_plugin_by() {
    let coin = Toy::new(&[]).load().unwrap();
    let mut sink = |_: &TxView<'_>| -> ControlFlow<()> { panic!("the server's own") };
    let thrown = catch_unwind(AssertUnwindSafe(|| {
        coin.parse_block(Height(1), &block(), &mut sink)
    }));
    let payload = thrown.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the server's own"));
    assert_eq!(parse(&coin), Ok(2));
}

/// Compilers agree on the border whatever they do behind it.
#[test]
fn a_plugin_of_another_profile_loads() {
    let target = tempfile::tempdir().unwrap();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--profile",
            "dev",
            "-p",
            "electrode-template",
        ])
        .args([
            "--config",
            "profile.dev.opt-level=0",
            "--config",
            "profile.dev.debug=0",
        ])
        .args([
            "--config",
            "profile.dev.overflow-checks=true",
            "--offline",
            "--target-dir",
        ])
        .arg(target.path())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    let wanted = Wanted::new("Template", "regtest");
    let path = target.path().join("debug/libelectrode_template.so");
    let coin = ask(&path, None, wanted).unwrap();
    let block = include_str!("../../../template/tests/block.json");
    electrode_plugin::conformance::run(&coin, &[block]).unwrap();
}
