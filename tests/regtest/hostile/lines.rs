//! Lines that are no requests, or odd ones.

use electrode_tests::Dice;

/// Requests, of which chance makes others.
const REQUESTS: &[&str] = &[
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server.ping\",\"params\":[]}",
    "{\"id\":2,\"method\":\"server.version\",\"params\":[\"x\",[\"1.4\",\"1.6\"]]}",
    "{\"id\":3,\"method\":\"blockchain.block.header\",\"params\":[1,2]}",
    "{\"id\":4,\"method\":\"blockchain.block.headers\",\"params\":{\"start_height\":0,\"count\":5}}",
    "{\"id\":5,\"method\":\"blockchain.scripthash.subscribe\",\"params\":[\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"]}",
    "{\"id\":6,\"method\":\"blockchain.scripthash.get_history\",\"params\":[\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"]}",
    "{\"id\":7,\"method\":\"blockchain.transaction.id_from_pos\",\"params\":[1,0,true]}",
    "{\"id\":8,\"method\":\"mempool.get_fee_histogram\"}",
    "{\"id\":9,\"method\":\"server.features\",\"params\":[]}",
    "[{\"id\":10,\"method\":\"server.ping\"},{\"method\":\"server.ping\"},5]",
];

/// Values that are no better than others.
const VALUES: &[&str] = &[
    "null",
    "true",
    "-1",
    "0.5",
    "1e400",
    "-0",
    "4294967296",
    "18446744073709551616",
    "\"\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[[[]]]]",
    "{\"a\":{\"a\":1}}",
    "NaN",
    "0x1",
    "01",
];

const METHODS: &[&str] = &[
    "blockchain.block.header",
    "blockchain.scripthash.get_balance",
    "blockchain.transaction.get_merkle",
    "blockchain.estimatefee",
    "server.version",
    "no.such.method",
];

/// Bytes that are no text, each in another way.
const NO_TEXT: &[&[u8]] = &[
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf5\x80\x80\x80",
    b"\xe2\x82",
];

/// Makes a line, its end included.
pub(crate) fn line(dice: &mut Dice) -> Vec<u8> {
    let mut line = match dice.pick(0..1000) {
        0..250 => bytes(dice, 300),
        250..600 => damaged(REQUESTS[dice.index(REQUESTS.len())].as_bytes(), dice),
        600..850 => with_other_values(dice),
        850..930 => no_text(dice),
        930..970 => deep(dice, 200),
        970..992 => batch(dice, 30),
        992..996 => deep(dice, 50_000),
        996..998 => batch(dice, 1200),
        _ => vec![b'x'; dice.index(200_000)],
    };
    for byte in &mut line {
        if *byte == b'\n' {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    line
}

/// Throws up to `max_len` bytes.
pub(crate) fn bytes(dice: &mut Dice, max_len: usize) -> Vec<u8> {
    let len = dice.index(max_len);
    (0..len).map(|_| byte(dice)).collect()
}

/// Throws a byte.
pub(crate) fn byte(dice: &mut Dice) -> u8 {
    u8::try_from(dice.pick(0..256)).unwrap()
}

/// Changes, removes and adds a few bytes.
pub(crate) fn damaged(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.pick(0..4) {
        let at = dice.index(bytes.len() + 1);
        match dice.pick(0..4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte(dice)),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|old| *old = byte(dice)),
        }
    }
    bytes
}

fn with_other_values(dice: &mut Dice) -> Vec<u8> {
    let mut value = || VALUES[dice.index(VALUES.len())];
    let (id, one, other) = (value(), value(), value());
    let method = METHODS[dice.index(METHODS.len())];
    match dice.pick(0..3) {
        0 => format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":[{one},{other}]}}"),
        1 => format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{one}}}"),
        _ => format!("{{\"id\":{id},\"method\":{one},\"params\":[{other}]}}"),
    }
    .into_bytes()
}

fn no_text(dice: &mut Dice) -> Vec<u8> {
    let bytes = NO_TEXT[dice.index(NO_TEXT.len())];
    let [before, behind] = [
        &b"{\"id\":1,\"method\":\"server.ping"[..],
        b"\",\"params\":[]}",
    ];
    [before, bytes, behind].concat()
}

fn deep(dice: &mut Dice, max_depth: usize) -> Vec<u8> {
    let part = [&b"["[..], b"{\"a\":", b"[{\"id\":"][dice.index(3)];
    part.repeat(dice.index(max_depth))
}

fn batch(dice: &mut Dice, max_len: usize) -> Vec<u8> {
    let items = vec!["{\"id\":0,\"method\":\"x\"}"; dice.index(max_len)];
    format!("[{}]", items.join(",")).into_bytes()
}
