//! Headers as the specification has them, and what chance makes of those.

use proptest::prelude::*;

use super::*;

/// Enough cases for chance to meet every branch many times.
const CASES: u32 = 100_000;

fn whole(client: Option<&str>) -> Result<Header, ProxyError> {
    let client = client.map(|client| client.parse().unwrap());
    Ok(Header::Whole { client })
}

/// Version 2 with this command, family and rest.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &len, rest].concat()
}

fn ipv4(port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    vec![192, 0, 2, 1, 198, 51, 100, 2, high, low, 1, 187]
}

fn ipv6(port: u16) -> Vec<u8> {
    let [client, server] = ["2001:db8::1", "2001:db8::2"].map(|ip| {
        let ip: Ipv6Addr = ip.parse().unwrap();
        ip.octets()
    });
    [&client[..], &server, &port.to_be_bytes(), &[1, 187]].concat()
}

#[test]
fn reads_what_proxies_send() {
    let extension = [4, 0, 3, 0, 0, 0];
    for (bytes, client) in [
        (
            b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n".to_vec(),
            Some("192.0.2.1:56324"),
        ),
        (
            b"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n".to_vec(),
            Some("[2001:db8::1]:56324"),
        ),
        (
            b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
                .to_vec(),
            Some("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
        ),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(), None),
        (binary(0x21, 0x11, &ipv4(56324)), Some("192.0.2.1:56324")),
        (
            binary(0x21, 0x11, &[&ipv4(1)[..], &extension].concat()),
            Some("192.0.2.1:1"),
        ),
        (binary(0x21, 0x21, &ipv6(443)), Some("[2001:db8::1]:443")),
        // The proxy itself, datagrams, local sockets, and nothing said.
        (binary(0x20, 0x00, &[]), None),
        (binary(0x20, 0x11, &ipv4(56324)), None),
        (binary(0x21, 0x00, &extension), None),
        (binary(0x21, 0x12, &ipv4(1)), None),
        (binary(0x21, 0x31, &[0; 216]), None),
    ] {
        assert_eq!(parse(&bytes), whole(client), "{bytes:?}");
        for len in 0..bytes.len() {
            let part = parse(&bytes[..len]);
            let left = bytes.len() - len;
            assert!(
                matches!(part, Ok(Header::Partial { missing }) if (1..=left).contains(&missing)),
                "{part:?} after {len} of {bytes:?}"
            );
        }
    }
}

#[test]
fn refuses_everything_else() {
    use ProxyError::{Malformed, Missing, TooLong};
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 100]].concat();
    for (bytes, error) in [
        (&b"GET / HTTP/1.1\r\n"[..], Missing),
        (b"{\"id\":0,\"method\":\"server.ping\"}\n", Missing),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefg",
            Missing,
        ),
        (b"proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Missing),
        (b"PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", Malformed),
        (b"PROXY TCP4 ::1 ::2 1 2\r\n", Malformed),
        (b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", Malformed),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\nx", Malformed),
        (&endless, TooLong),
        (&binary(0x11, 0x11, &ipv4(1)), Malformed),
        (&binary(0x22, 0x11, &ipv4(1)), Malformed),
        (&binary(0x21, 0x41, &ipv4(1)), Malformed),
        (&binary(0x21, 0x11, &ipv4(1)[..11]), Malformed),
        (&binary(0x21, 0x21, &ipv4(1)), Malformed),
        (&binary(0x21, 0x11, &[0; 521])[..16], TooLong),
    ] {
        assert_eq!(parse(bytes), Err(error), "{bytes:?}");
    }
}

#[tokio::test]
async fn leaves_what_follows_the_header() {
    for header in [
        b"PROXY TCP4 192.0.2.1 198.51.100.2 7 443\r\n".to_vec(),
        binary(0x21, 0x11, &ipv4(7)),
    ] {
        let stream = [&header[..], b"\r\nrest"].concat();
        let mut stream = &stream[..];
        let client = read_header(&mut stream).await.unwrap();
        assert_eq!(client, Some(Some("192.0.2.1:7".parse().unwrap())));
        assert_eq!(stream, b"\r\nrest");
    }
}

#[tokio::test]
async fn tells_a_health_check_from_a_header_cut_short() {
    assert_eq!(read_header(&mut &b""[..]).await.unwrap(), None);
    for cut in [&b"P"[..], b"PROXY TCP4 192.0.2.1", &SIGNATURE[..]] {
        let error = read_header(&mut &cut[..]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut:?}");
    }
}

/// A header, or what is left of one after some of its bytes were changed, and something behind it.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4|TCP6|UNKNOWN) [0-9a-f.: ]{0,60}(\r\n)?".prop_map(String::into_bytes);
    let fixed = (
        0x1fu8..0x23,
        prop::sample::select(vec![0u8, 0x11, 0x21, 0x31, 0x55]),
    );
    let binary = (fixed, prop::collection::vec(any::<u8>(), 0..60))
        .prop_map(|((command, family), rest)| binary(command, family, &rest));
    let noise = prop::collection::vec(any::<u8>(), 0..60);
    let change = prop::option::weighted(0.5, (any::<prop::sample::Index>(), any::<u8>()));
    let header = prop_oneof![line, binary, noise.clone()];
    (header, change, noise).prop_map(|(mut bytes, change, behind)| {
        if let Some((at, byte)) = change.filter(|_change| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(behind);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    /// However a header is damaged: it ends within bounds, only the bytes that were asked for are
    /// read, and asking for fewer at a time changes nothing.
    #[test]
    fn never_reads_past_a_header(bytes in damaged()) {
        let mut len = 0;
        let ended = loop {
            match parse(&bytes[..len]) {
                Ok(Header::Partial { missing }) => {
                    prop_assert!(missing > 0 && len + missing <= MAX_LEN);
                    len += missing;
                }
                ended => break Some(ended),
            }
            if len > bytes.len() {
                break None;
            }
        };
        let one_by_one = (0..=bytes.len())
            .map(|len| (len, parse(&bytes[..len])))
            .find(|(_, parsed)| !matches!(parsed, Ok(Header::Partial { .. })));
        match (ended, one_by_one) {
            (Some(Ok(whole)), Some(found)) => prop_assert_eq!((len, Ok(whole)), found),
            (Some(Err(_)), Some((_, parsed))) => prop_assert!(parsed.is_err()),
            (None, found) => prop_assert!(!matches!(found, Some((_, Ok(_)))), "{:?}", found),
            (ended, None) => prop_assert!(false, "{:?} and nothing byte by byte", ended),
        }
    }
    /// Whoever the client is: that is what comes out, in both versions.
    #[test]
    fn gives_the_client_that_was_written(
        ips in prop_oneof![
            any::<[Ipv4Addr; 2]>().prop_map(|ips| ips.map(IpAddr::from)),
            any::<[Ipv6Addr; 2]>().prop_map(|ips| ips.map(IpAddr::from)),
        ],
        ports: [u16; 2],
    ) {
        let [client, server] = ips;
        let (name, family) = if client.is_ipv4() { ("TCP4", 0x11) } else { ("TCP6", 0x21) };
        let line = format!("PROXY {name} {client} {server} {} {}\r\n", ports[0], ports[1]);
        let octets = ips.map(|ip| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        });
        let rest = [octets.concat(), ports.map(u16::to_be_bytes).concat()].concat();
        let expected = Ok(Header::Whole { client: Some(SocketAddr::new(client, ports[0])) });
        prop_assert_eq!(parse(line.as_bytes()), expected);
        prop_assert_eq!(parse(&binary(0x21, family, &rest)), expected);
    }
}
