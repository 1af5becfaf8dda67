//! The PROXY protocol: how a balancer says for whom it speaks.
//!
//! It only reads; whether the sender may be believed is the listener's to know. Source:
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>, versions 1 and 2.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str,
};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The first bytes of a header of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of version 2 before its addresses.
const FIXED_LEN: usize = 16;
/// Longest header of version 2 that is read; those of proxies stay below.
const MAX_LEN: usize = 536;
/// Shortest header of version 1, `PROXY UNKNOWN\r\n`, and so of both.
const MIN_LEN: usize = 15;
/// Longest header of version 1, line end included.
const MAX_LINE_LEN: usize = 107;

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The beginning of a header, of which at least so many bytes are still to come.
    Partial { missing: usize },
    /// All of it: who the client is, if it says so.
    Whole { client: Option<SocketAddr> },
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProxyError {
    /// It is something else.
    #[error("expected a PROXY header, came something else; does the proxy send one?")]
    Missing,
    /// It is none that can be understood.
    #[error("expected a PROXY header of version 1 or 2, came one of another form")]
    Malformed,
    /// It is too long.
    #[error("expected a PROXY header of at most {MAX_LEN} bytes, came a longer one")]
    TooLong,
}

/// Reads a header, and not a byte more: who the client is, if it says so. `None` if the connection
/// ends before the header begins.
///
/// # Errors
/// No header comes, or it cannot be understood.
pub(super) async fn read_header<S: AsyncRead + Unpin>(
    stream: &mut S,
) -> io::Result<Option<Option<SocketAddr>>> {
    let mut bytes = Vec::with_capacity(MAX_LINE_LEN);
    loop {
        let missing = match parse(&bytes).map_err(io::Error::other)? {
            Header::Partial { missing } => missing,
            Header::Whole { client } => return Ok(Some(client)),
        };
        let mut part = stream.take(u64::try_from(missing).unwrap_or(u64::MAX));
        let taken = part.read_to_end(&mut bytes).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if taken < missing {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// Reads the bytes of a connection so far.
///
/// # Errors
/// They cannot become a header.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, ProxyError> {
    match bytes.get(..MIN_LEN) {
        None => Ok(Header::Partial {
            missing: MIN_LEN - bytes.len(),
        }),
        Some(start) if start.starts_with(SIGNATURE) => parse_binary(bytes),
        Some(start) if start.starts_with(b"PROXY ") => parse_line(bytes),
        Some(_) => Err(ProxyError::Missing),
    }
}

/// Version 1: `PROXY TCP4 CLIENT SERVER CLIENT_PORT SERVER_PORT\r\n`.
fn parse_line(bytes: &[u8]) -> Result<Header, ProxyError> {
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        let missing = if bytes.ends_with(b"\r") { 1 } else { 2 };
        return if bytes.contains(&b'\n') {
            Err(ProxyError::Malformed)
        } else if bytes.len() + missing > MAX_LINE_LEN {
            Err(ProxyError::TooLong)
        } else {
            Ok(Header::Partial { missing })
        };
    };
    let line = str::from_utf8(line).map_err(|_not_text| ProxyError::Malformed)?;
    let mut fields = line.split(' ').skip(1);
    let mut field = || fields.next().ok_or(ProxyError::Malformed);
    let client = match field()? {
        "UNKNOWN" => return Ok(Header::Whole { client: None }),
        "TCP4" => address::<Ipv4Addr>([field()?, field()?], [field()?, field()?])?,
        "TCP6" => address::<Ipv6Addr>([field()?, field()?], [field()?, field()?])?,
        _ => return Err(ProxyError::Malformed),
    };
    match fields.next() {
        None => Ok(Header::Whole {
            client: Some(client),
        }),
        Some(_) => Err(ProxyError::Malformed),
    }
}

/// Reads the addresses of client and server, and gives that of the client.
fn address<I: Into<IpAddr> + str::FromStr>(
    [client, server]: [&str; 2],
    [client_port, server_port]: [&str; 2],
) -> Result<SocketAddr, ProxyError> {
    let ip = |text: &str| text.parse::<I>().map_err(|_other| ProxyError::Malformed);
    let port = |text: &str| text.parse::<u16>().map_err(|_other| ProxyError::Malformed);
    let _to: (I, u16) = (ip(server)?, port(server_port)?);
    Ok(SocketAddr::new(ip(client)?.into(), port(client_port)?))
}

/// Version 2: signature, `2` and command, family, length BE u16; client address, server address,
/// client port BE u16, server port BE u16; more that nobody needs here.
fn parse_binary(bytes: &[u8]) -> Result<Header, ProxyError> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED_LEN>() else {
        return Ok(Header::Partial {
            missing: FIXED_LEN - bytes.len(),
        });
    };
    let [.., command, family, high, low] = *fixed;
    let len = usize::from(u16::from_be_bytes([high, low]));
    if FIXED_LEN + len > MAX_LEN {
        return Err(ProxyError::TooLong);
    }
    if rest.len() < len {
        let missing = len - rest.len();
        return Ok(Header::Partial { missing });
    }
    let client = match (command, family) {
        // The proxy speaks for itself, whatever it says besides.
        (0x20, _) => None,
        (0x21, 0x11) => {
            let addresses = rest.first_chunk::<12>().ok_or(ProxyError::Malformed)?;
            let [a, b, c, d, _, _, _, _, high, low, _, _] = *addresses;
            Some((Ipv4Addr::new(a, b, c, d).into(), [high, low]))
        }
        (0x21, 0x21) => {
            let addresses = rest.first_chunk::<36>().ok_or(ProxyError::Malformed)?;
            let (ip, rest) = addresses
                .split_first_chunk::<16>()
                .ok_or(ProxyError::Malformed)?;
            let port = rest.get(16..18).and_then(|port| port.first_chunk());
            Some((
                Ipv6Addr::from(*ip).into(),
                *port.ok_or(ProxyError::Malformed)?,
            ))
        }
        // Local sockets, datagrams, and what is not specified, have no address that counts here.
        (0x21, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => None,
        _ => return Err(ProxyError::Malformed),
    };
    Ok(Header::Whole {
        client: client.map(|(ip, port)| SocketAddr::new(ip, u16::from_be_bytes(port))),
    })
}

#[cfg(test)]
mod tests;
