//! Frames made by hand, many of them wrong, compared with what RFC 6455 makes of them.

use electrode_tests::Dice;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

const CASES: u32 = 200_000;
/// Upgrade requests, which cost more than frames.
const HANDSHAKES: u32 = 50_000;
const MAX_LEN: usize = 200;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A frame before it is bytes.
#[derive(Debug)]
struct Made {
    first: u8,
    is_masked: bool,
    mask: [u8; 4],
    /// Bytes that the length takes: 1, 3 or 9.
    len_bytes: usize,
    payload: Vec<u8>,
}

fn byte(dice: &mut Dice) -> u8 {
    u8::try_from(dice.pick(0..256)).unwrap()
}

impl Made {
    /// Throws a frame that is more often right than not.
    fn throw(dice: &mut Dice) -> Self {
        let first = match dice.pick(0..16) {
            0 => byte(dice),
            1 => FINAL | 8,
            2 | 3 => FINAL | 9,
            4 => FINAL | 10,
            5..8 => 0,
            8..10 => FINAL,
            10 => 1,
            11 => FINAL | 2,
            _ => FINAL | 1,
        };
        let len = match dice.pick(0..20) {
            0 => dice.index(MAX_LEN + 60),
            1 => MAX_LEN,
            2 => 126,
            _ => dice.index(20),
        };
        let text = dice.pick(0..8) > 0;
        let payload = (0..len).map(|_| match text {
            true => [b'a', b'\n', b' ', b'{'][dice.index(4)],
            false => byte(dice),
        });
        let payload: Vec<u8> = payload.collect();
        let len_bytes = match payload.len() {
            0..126 => [1, 1, 1, 3, 9][dice.index(5)],
            _ => [3, 9][dice.index(2)],
        };
        Self {
            first,
            is_masked: dice.pick(0..30) > 0,
            mask: [(); 4].map(|()| byte(dice)),
            len_bytes,
            payload,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let masked = if self.is_masked { MASKED } else { 0 };
        let len = u64::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![self.first];
        match self.len_bytes {
            1 => bytes.push(masked | len[7]),
            3 => bytes.extend([&[masked | 126], &len[6..]].concat()),
            _ => bytes.extend([&[masked | 127], &len[..]].concat()),
        }
        if self.is_masked {
            bytes.extend(self.mask);
        }
        let mask = self.mask.iter().cycle();
        bytes.extend(
            self.payload
                .iter()
                .zip(mask)
                .map(|(byte, mask)| match self.is_masked {
                    true => byte ^ mask,
                    false => *byte,
                }),
        );
        bytes
    }

    fn is_control(&self) -> bool {
        self.first & 8 != 0
    }

    /// Tells whether it may stand behind a message of which so much is there.
    fn is_right(&self, partial: Option<&Partial>) -> bool {
        let is_whole = self.first & FINAL != 0;
        let fits = match (self.first & 0xf, partial) {
            (0, Some(partial)) => partial.bytes.len() + self.payload.len() <= MAX_LEN,
            (1 | 2, None) => self.payload.len() <= MAX_LEN,
            // A close of one byte has half a code; others end the connection too.
            (9 | 10, _) => is_whole && self.payload.len() < 126,
            _ => false,
        };
        fits && self.is_masked && self.first & RESERVED == 0
    }
}

/// A message of which some frames are there.
struct Partial {
    is_text: bool,
    bytes: Vec<u8>,
}

/// Gives the lines that the frames are, as far as they are right. Source: RFC 6455, section 5.
fn lines(frames: &[Made]) -> Vec<u8> {
    let (mut lines, mut partial) = (Vec::new(), None);
    for frame in frames {
        if !frame.is_right(partial.as_ref()) {
            break;
        }
        if frame.is_control() {
            continue;
        }
        let message = partial.get_or_insert(Partial {
            is_text: frame.first & 0xf == 1,
            bytes: Vec::new(),
        });
        message.bytes.extend(&frame.payload);
        if frame.first & FINAL == 0 {
            continue;
        }
        if message.is_text && str::from_utf8(&message.bytes).is_err() {
            break;
        }
        let line = message.bytes.iter().map(|byte| match byte {
            b'\n' => b' ',
            byte => *byte,
        });
        lines.extend(line.chain([b'\n']));
        partial = None;
    }
    lines
}

/// Sends bytes to an adapter and gives what it reads of them; the pipe is as narrow as chance has
/// it.
async fn read(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (near, far) = tokio::io::duplex(1 + dice.index(400));
    let config = Some(config(MAX_LEN));
    let socket = WebSocketStream::from_raw_socket(near, Role::Server, config).await;
    let mut server = WebSocket::over(socket, Arc::default());
    let (mut answers, mut requests) = tokio::io::split(far);
    let serve = async move {
        let mut lines = Vec::new();
        // What was read before the end counts, whatever the end is.
        let _ended_well = server.read_to_end(&mut lines).await.is_ok();
        lines
    };
    let ask = async {
        // The adapter may be gone already.
        let _took_all = requests.write_all(bytes).await.is_ok();
        let _is_open = requests.shutdown().await.is_ok();
    };
    let mut heard = Vec::new();
    let (lines, (), _) = tokio::join!(serve, ask, answers.read_to_end(&mut heard));
    lines
}

#[tokio::test]
async fn reads_the_messages_that_are_right() {
    let mut dice = Dice::from_env();
    let (mut whole, mut none) = (0, 0);
    for _ in 0..CASES {
        let frames: Vec<_> = (0..=dice.index(6))
            .map(|_| Made::throw(&mut dice))
            .collect();
        let bytes: Vec<u8> = frames.iter().flat_map(Made::bytes).collect();
        let expected = lines(&frames);
        assert_eq!(read(&bytes, &mut dice).await, expected, "{frames:?}");
        whole += u32::from(!expected.is_empty());
        none += u32::from(expected.is_empty());
    }
    assert!(whole > CASES / 4 && none > CASES / 10, "{whole}, {none}");
}

#[tokio::test]
async fn survives_bytes_that_are_no_frames() {
    let mut dice = Dice::from_env();
    for _ in 0..CASES {
        let mut bytes = Made::throw(&mut dice).bytes();
        let at = dice.index(bytes.len());
        bytes[at] = byte(&mut dice);
        bytes.extend((0..dice.index(30)).map(|_| byte(&mut dice)));
        let lines = read(&bytes, &mut dice).await;
        let longest = lines.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert!(longest <= Some(MAX_LEN), "{bytes:?}");
    }
}

#[tokio::test]
async fn survives_upgrades_that_are_none() {
    let mut dice = Dice::from_env();
    let mut accepted = 0;
    for _ in 0..HANDSHAKES {
        let mut request = UPGRADE.to_vec();
        for _ in 0..dice.index(4) {
            let at = dice.index(request.len());
            match dice.pick(0..3) {
                0 => request.truncate(at + 1),
                1 => request.insert(at, byte(&mut dice)),
                _ => request[at] = byte(&mut dice),
            }
        }
        let (near, mut far) = tokio::io::duplex(PIPE_LEN);
        far.write_all(&request).await.unwrap();
        far.shutdown().await.unwrap();
        accepted += u32::from(
            WebSocket::accept(near, MAX_LEN, Arc::default())
                .await
                .is_ok(),
        );
    }
    assert!(
        accepted > HANDSHAKES / 8 && accepted < HANDSHAKES,
        "{accepted}"
    );
}
