//! What a descriptor may say, and how it is told what it may not.

use proptest::prelude::{any, prop_assert, proptest};

use super::*;
use crate::{FamilyCoin, HeaderStep, Height};

const GENESIS: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";

/// Keys that must be there, one a line.
const PLAIN: [(&str, &str); 7] = [
    ("schema", "1"),
    ("coin", "\"A\""),
    ("net", "\"b\""),
    ("chain", "\"c\""),
    (
        "genesis_hash",
        "\"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f\"",
    ),
    ("rpc_port", "1"),
    ("addresses", "{ p2pkh = [0x00], p2sh = [0x05] }"),
];

/// Writes a descriptor with one line more, or in the place of that of the same key.
fn with(line: &str) -> String {
    let key = line.split([' ', '=']).next().unwrap();
    let mut text: String = PLAIN
        .iter()
        .filter(|(plain, _)| *plain != key)
        .map(|(plain, value)| format!("{plain} = {value}\n"))
        .collect();
    text.push_str(line);
    text
}

fn read(line: &str) -> Descriptor {
    Descriptor::from_toml(&with(line)).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The line that is wrong is told, and everything that `expected` names.
fn refuses(line: &str, expected: &[&str]) {
    let text = with(line);
    let message = FamilyCoin::from_toml(&text).unwrap_err().to_string();
    let number = text.trim_end().matches('\n').count() + 1;
    assert!(
        message.starts_with(&format!("line {number}: ")),
        "{line}: {message}"
    );
    for part in expected {
        assert!(message.contains(part), "{line}: {part:?} in: {message}");
    }
}

#[test]
fn reads_a_descriptor_with_defaults() {
    let descriptor = read("");
    assert_eq!(descriptor.reorg_limit, 200);
    assert_eq!(descriptor.header, HeaderFamily::Fixed { len: 80 });
    assert_eq!(descriptor.note, None);
}

#[test]
fn refuses_keys_and_names_that_there_are_not() {
    refuses("colour = 1", &["unknown field `colour`"]);
    refuses("schema = 2", &["expected schema 1, got 2"]);
    refuses(
        "transactions = \"zcash\"",
        &["expected \"legacy\", \"segwit\", \"mweb\" or \"custom\", got \"zcash\""],
    );
    refuses(
        "unspendable = \"op\"",
        &["\"op_return\", \"op_false_op_return\", \"nothing\" or \"custom\", got \"op\""],
    );
    refuses(
        "genesis = \"spent\"",
        &["\"unspendable\" or \"indexed\", got \"spent\""],
    );
    refuses(
        "merkle_tree = \"sha3\"",
        &["\"sha256d\" or \"unknown\", got \"sha3\""],
    );
    refuses("merkle_tree = 1", &["integer `1`, expected a string"]);
    refuses("coin = \"\"", &["expected a name", "got \"\""]);
    refuses("net = \" \"", &["expected a name", "got \" \""]);
    refuses("chain = \"a\\nb\"", &["of one line", "got \"a\\nb\""]);
    let long = "x".repeat(201);
    refuses(&format!("note = \"{long}\""), &["at most 200 bytes"]);
}

#[test]
fn tells_numbers_in_words() {
    for (line, expected) in [
        ("rpc_port = 0", "a port from 1 to 65535, got 0"),
        ("rpc_port = 70000", "a port from 1 to 65535, got 70000"),
        ("rpc_port = -1", "a port from 1 to 65535, got -1"),
        (
            "rpc_port = \"8332\"",
            "a port from 1 to 65535, got \"8332\": write it without quotes",
        ),
        (
            "rpc_port = true",
            "boolean `true`, expected a port from 1 to 65535",
        ),
        (
            "reorg_limit = 0",
            "a number of blocks from 1 to 4294967295, got 0",
        ),
        (
            "reorg_limit = 4294967296",
            "a number of blocks from 1 to 4294967295, got 4294967296",
        ),
        (
            "index_revision = -1",
            "a number from 0 to 4294967295, got -1",
        ),
        ("schema = \"1\"", "a number from 0 to 4294967295, got \"1\""),
    ] {
        refuses(line, &["expected ", expected]);
    }
    for line in ["rpc_port = 1", "rpc_port = 65535", "reorg_limit = 1"] {
        read(line);
    }
}

#[test]
fn reads_every_header_family() {
    let stepped = |steps: &[(u32, usize)]| HeaderFamily::Stepped {
        steps: steps
            .iter()
            .map(|&(from, len)| HeaderStep {
                from: Height(from),
                len,
            })
            .collect(),
    };
    for (line, expected) in [
        (
            "header = { family = \"fixed\", len = 112 }",
            HeaderFamily::Fixed { len: 112 },
        ),
        ("header = { family = \"auxpow\" }", HeaderFamily::AuxPow {}),
        ("header = { family = \"custom\" }", HeaderFamily::Custom {}),
        (
            "header = { family = \"stepped\", steps = [{ from = 0, len = 80 }] }",
            stepped(&[(0, 80)]),
        ),
        (
            "[header]\nfamily = \"stepped\"\nsteps = [{ from = 0, len = 141 }, \
             { from = 2, len = 1487 }, { from = 3, len = 241 }]",
            stepped(&[(0, 141), (2, 1487), (3, 241)]),
        ),
    ] {
        assert_eq!(read(line).header, expected, "{line}");
    }
}

#[test]
fn refuses_headers_that_cannot_be() {
    const STEPPED: &str = "{ family = \"stepped\", steps = [{ from = 0, len = 80 }, ";
    refuses(
        "header = \"stepped\"",
        &["expected a table, got \"stepped\": write ", STEPPED],
    );
    refuses("header = \"auxpow\"", &["write { family = \"auxpow\" }"]);
    refuses(
        "header = \"equihash\"",
        &["\"fixed\", \"auxpow\", \"stepped\" or \"custom\", got \"equihash\""],
    );
    refuses("header = 80", &["expected a table such as { family = "]);
    refuses(
        "header = { family = \"equihash\" }",
        &["\"fixed\", \"auxpow\", \"stepped\" or \"custom\", got \"equihash\""],
    );
    refuses("header = { len = 80 }", &["missing field `family`"]);
    refuses(
        "header = { family = \"auxpow\", len = 80 }",
        &["expected the keys of { family = \"auxpow\" }, got len beside family"],
    );
    refuses(
        "header = { family = \"fixed\" }",
        &["{ family = \"fixed\", len = 80 }, got no other key beside family"],
    );
    refuses(
        "header = { family = \"stepped\", len = 80, steps = [] }",
        &[STEPPED, "got len and steps beside family"],
    );
    for len in ["0", "40", "79", "65537", "-1", "9223372036854775807"] {
        let expected = format!("a length in bytes from 80 to 65536, got {len}");
        refuses(
            &format!("header = {{ family = \"fixed\", len = {len} }}"),
            &[&expected],
        );
    }
}

#[test]
fn refuses_steps_that_hide_each_other() {
    let steps = |steps: &str, expected: &[&str]| {
        refuses(
            &format!("header = {{ family = \"stepped\", steps = [{steps}] }}"),
            expected,
        );
    };
    steps("", &["at least one step, got none", "from = 1219736"]);
    steps(
        "{ from = 5, len = 80 }",
        &["from = 0, got from = 5", "from = 1219736"],
    );
    let falling = "{ from = 0, len = 80 }, { from = 9, len = 120 }, { from = 8, len = 80 }";
    steps(falling, &["in rising order, got from = 8 after from = 9"]);
    let same = "{ from = 0, len = 80 }, { from = 0, len = 120 }";
    steps(same, &["in rising order, got from = 0 after from = 0"]);
    steps("{ height = 0, len = 80 }", &["unknown field `height`"]);
    steps("{ from = 0, len = 79 }", &["from 80 to 65536, got 79"]);
    steps(
        "{ from = -1, len = 80 }",
        &["a height from 0 to 4294967295"],
    );
}

#[test]
fn refuses_a_hash_of_more_than_the_header() {
    refuses(
        "header_hash = \"x11\"",
        &["\"sha256d:<bytes>\"", "\"daemon\"", "got \"x11\""],
    );
    refuses("header_hash = \"sha256d:0\"", &["got \"sha256d:0\""]);
    refuses(
        "header_hash = \"sha256d:100\"",
        &["at most sha256d:80", "got sha256d:100"],
    );
    let header = "header = { family = \"auxpow\" }\n";
    refuses(
        &format!("{header}header_hash = \"sha256d:81\""),
        &["at most sha256d:80"],
    );
    let header = "header = { family = \"stepped\", steps = [{ from = 0, len = 112 }, \
                  { from = 9, len = 100 }] }\n";
    refuses(
        &format!("{header}header_hash = \"sha256d:112\""),
        &["at most sha256d:100"],
    );
    read(&format!("{header}header_hash = \"sha256d:100\""));
    read("header = { family = \"custom\" }\nheader_hash = \"sha256d:181\"");
}

#[test]
fn reads_versions_of_any_length() {
    for (list, expected) in [
        ("[0x1c]", &["1c"][..]),
        ("[28]", &["1c"]),
        ("[\"1cb8\"]", &["1cb8"]),
        ("[\"017507\", 0x00]", &["017507", "00"]),
        ("[\"1C\", \"b8\"]", &["1c", "b8"]),
    ] {
        let line = format!("addresses = {{ p2pkh = {list}, p2sh = [0x05] }}");
        let descriptor = read(&line);
        let versions: Vec<_> = descriptor.addresses.p2pkh.iter().collect();
        let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
        assert_eq!(versions, expected, "{list}");
        let again = Descriptor::from_toml(&descriptor.to_toml().unwrap()).unwrap();
        assert_eq!(again, descriptor, "{list}");
    }
    let both = read("addresses = { p2pkh = [0x30], p2sh = [0x32, 0x05] }");
    assert_eq!(both.addresses.p2sh, [0x32.into(), 0x05.into()]);
    let text = both.to_toml().unwrap();
    assert!(text.contains("p2pkh = [48]\np2sh = [50, 5]"), "{text}");
}

#[test]
fn refuses_addresses_that_cannot_be() {
    let addresses = |keys: &str, expected: &[&str]| {
        refuses(&format!("addresses = {{ {keys} }}"), expected);
    };
    addresses(
        "p2pkh = [], p2sh = [0x05]",
        &["at least one version", "got none"],
    );
    addresses(
        "p2pkh = [0x00], p2sh = []",
        &["at least one version", "got none"],
    );
    addresses(
        "p2pkh = [0x1c, 0xb8], p2sh = [0x05]",
        &["expected one version, got 2 numbers", "[\"1cb8\"]"],
    );
    addresses(
        "p2pkh = [0x1cb8], p2sh = [0x05]",
        &["from 0x00 to 0xff, got 7352", "\"1cb8\""],
    );
    for wrong in ["", "1", "xy", "0x1c", "010203040506070809"] {
        addresses(
            &format!("p2pkh = [{wrong:?}], p2sh = [0x05]"),
            &[
                "hexadecimal digits of 1 to 8 bytes",
                &format!("got {wrong:?}"),
            ],
        );
    }
    for wrong in ["", "b x", "BTX", "Btx", "bé"] {
        addresses(
            &format!("p2pkh = [0x00], p2sh = [0x05], bech32 = {wrong:?}"),
            &["lower-case letters and digits", &format!("got {wrong:?}")],
        );
    }
    read("addresses = { p2pkh = [0x00], p2sh = [0x05], bech32 = \"testnet1btx\" }");
}

#[test]
fn compares_the_example_at_height_0_with_genesis_hash() {
    let header = "00".repeat(80);
    let vector = |height: &str, hash: &str| {
        let header = format!("header = \"{header}\"");
        format!("vectors.headers = [{{ height = {height}, {header}, hash = \"{hash}\" }}]")
    };
    let other = "11".repeat(32);
    refuses(
        &vector("0", &other),
        &["expected genesis_hash", GENESIS, &format!("got {other}")],
    );
    refuses(&vector("-1", GENESIS), &["a height from 0 to 4294967295"]);
    read(&vector("0", GENESIS));
    read(&vector("1", &other));

    // The second of two is told by its own line.
    let table = |hash: &str| {
        format!("[[vectors.headers]]\nheight = 0\nheader = \"{header}\"\nhash = \"{hash}\"\n")
    };
    let text = with(&format!("{}\n{}", table(GENESIS), table(&other)));
    let message = Descriptor::from_toml(&text).unwrap_err().to_string();
    assert!(
        message.starts_with("line 13: genesis mismatch"),
        "{message}"
    );
}

/// A descriptor with every key, to be damaged.
fn whole() -> String {
    let header = "00".repeat(112);
    with(&format!(
        "note = \"a\"\nreorg_limit = 9\nindex_revision = 2\ntransactions = \"mweb\"\n\
         header_hash = \"sha256d:80\"\nheader = {{ family = \"stepped\", steps = \
         [{{ from = 0, len = 112 }}, {{ from = 7, len = 80 }}] }}\n\
         [[vectors.headers]]\nheight = 0\nheader = \"{header}\"\nhash = \"{GENESIS}\"\n\
         [[vectors.addresses]]\naddress = \"1BitcoinEaterAddressDontSendf59kuE\"\n\
         script = \"76a914759d6677091e973b9e9d99f19c68fbf43e3f05f988ac\"\n"
    ))
}

proptest! {
    /// What strangers write into a descriptor is read or refused, with a line that there is.
    #[test]
    fn survives_damage(at in any::<usize>(), len in 0..40_usize, put in "[ -~\\n]{0,8}") {
        let mut text = whole();
        let start = at % text.len();
        let end = (start + len).min(text.len());
        text.replace_range(start..end, &put);
        if let Err(DescriptorError::Malformed { line, message }) = Descriptor::from_toml(&text) {
            prop_assert!((1..=text.lines().count() + 1).contains(&line), "{line}: {text}");
            prop_assert!(!message.is_empty() && !message.contains('\n'), "{message}");
        }
        let _read = FamilyCoin::from_toml(&text);
    }
}
