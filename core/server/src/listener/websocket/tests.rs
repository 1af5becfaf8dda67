//! A server's `WebSocket` and a client of the same library, over a pipe.

mod fuzz;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::{client_async, tungstenite::protocol::frame::coding::Control};

use super::*;

const MAX_LEN: usize = 100_000;
/// What both sides may write ahead of the other.
const PIPE_LEN: usize = 256 << 10;

type Client = WebSocketStream<DuplexStream>;

async fn connected() -> (WebSocket<DuplexStream>, Client) {
    let (near, far) = tokio::io::duplex(PIPE_LEN);
    let (server, client) = tokio::join!(
        WebSocket::accept(near, MAX_LEN, Arc::default()),
        client_async("ws://localhost/", far)
    );
    (server.unwrap(), client.unwrap().0)
}

/// Reads all that is there until the client has closed.
async fn read_all(server: &mut WebSocket<DuplexStream>) -> String {
    let mut text = String::new();
    server.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn reads_each_message_as_a_line() {
    let (mut server, mut client) = connected().await;
    for message in [
        Message::text("one"),
        Message::binary(b"two\n".to_vec()),
        Message::Ping(Bytes::from_static(b"?")),
        Message::text("{\n\"three\":\r\n3}"),
        Message::text(""),
        Message::text("x".repeat(MAX_LEN)),
    ] {
        client.send(message).await.unwrap();
    }
    client.close(None).await.unwrap();
    let long = "x".repeat(MAX_LEN);
    let expected = format!("one\ntwo \n{{ \"three\":\r 3}}\n\n{long}\n");
    assert!(read_all(&mut server).await == expected);
}

#[tokio::test]
async fn reads_a_line_in_pieces() {
    let (mut server, mut client) = connected().await;
    client.send(Message::text("abc")).await.unwrap();
    client.send(Message::text("de")).await.unwrap();
    let mut lines = Vec::new();
    while lines.len() < 7 {
        lines.push(server.read_u8().await.unwrap());
    }
    assert_eq!(lines, b"abc\nde\n");
}

#[tokio::test]
async fn writes_each_line_as_a_message() {
    let (mut server, mut client) = connected().await;
    let long = "y".repeat(3 * MAX_FRAME_LEN + 5);
    let exact = "z".repeat(MAX_FRAME_LEN);
    let lines = format!("one\n\n{long}\n{exact}\ntwo\n");
    server.write_all(lines.as_bytes()).await.unwrap();
    server.flush().await.unwrap();
    for expected in ["one", "", &long, &exact, "two"] {
        let message = client.next().await.unwrap().unwrap();
        assert!(message.is_text() && message.to_text().unwrap() == expected);
    }
}

#[tokio::test]
async fn answers_pings() {
    let (mut server, mut client) = connected().await;
    client
        .send(Message::Ping(Bytes::from_static(b"!")))
        .await
        .unwrap();
    client.send(Message::text("end")).await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'e');
    server.flush().await.unwrap();
    let pong = client.next().await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"!")));
}

/// Sends a frame that is refused, and gives the code of the server's farewell.
async fn farewell_after(frames: Vec<Message>) -> Option<CloseCode> {
    let (mut server, mut client) = connected().await;
    for frame in frames {
        client.feed(frame).await.unwrap();
    }
    client.flush().await.unwrap();
    let serve = async {
        let error = server.read_u8().await.unwrap_err();
        server.shutdown().await.unwrap();
        error.kind()
    };
    let (kind, farewell) = tokio::join!(serve, client.next());
    assert_eq!(kind, io::ErrorKind::InvalidData, "nothing of it was a line");
    match farewell.unwrap().unwrap() {
        Message::Close(farewell) => farewell.map(|farewell| farewell.code),
        other => panic!("expected a farewell, came {other:?}"),
    }
}

fn frame(bytes: Vec<u8>, code: OpCode, is_final: bool) -> Message {
    let mut frame = Frame::message(bytes, OpCode::Data(Data::Text), is_final);
    frame.header_mut().opcode = code;
    Message::Frame(frame)
}

#[tokio::test]
async fn says_why_it_hangs_up() {
    let text = OpCode::Data(Data::Text);
    let more = OpCode::Data(Data::Continue);
    let endless = (0..3).map(|n| {
        let code = if n == 0 { text } else { more };
        frame(vec![b'x'; MAX_LEN / 2], code, false)
    });
    for (frames, code) in [
        (
            vec![Message::text("x".repeat(MAX_LEN + 1))],
            CloseCode::Size,
        ),
        (endless.collect(), CloseCode::Size),
        (
            vec![frame(vec![0xff, 0xfe], text, true)],
            CloseCode::Invalid,
        ),
        (vec![frame(vec![b'x'], more, true)], CloseCode::Protocol),
        (
            vec![frame(vec![b'x'; 200], OpCode::Control(Control::Ping), true)],
            CloseCode::Protocol,
        ),
    ] {
        assert_eq!(farewell_after(frames).await, Some(code));
    }
}

#[tokio::test]
async fn refuses_what_is_no_upgrade() {
    for request in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "{\"id\":0,\"method\":\"server.ping\"}\n\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\n", "x".repeat(70_000)),
    ] {
        let (near, mut far) = tokio::io::duplex(PIPE_LEN);
        far.write_all(request.as_bytes()).await.unwrap();
        WebSocket::accept(near, MAX_LEN, Arc::default())
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn counts_frames_that_are_no_request() {
    let (mut server, mut client) = connected().await;
    for message in [
        Message::text("{}"),
        Message::Ping(Bytes::new()),
        Message::text(""),
        Message::Pong(Bytes::new()),
        Message::binary(b" \r\n".to_vec()),
        Message::binary(b"[]".to_vec()),
    ] {
        client.send(message).await.unwrap();
    }
    client.send(Message::text("end")).await.unwrap();
    let mut lines = String::new();
    while !lines.ends_with("end\n") {
        lines.push(server.read_u8().await.unwrap().into());
    }
    assert_eq!(server.meter.read().frames, 4);
}
