//! Messages of a publisher, whole and damaged: read as they were made, or refused.

use electrode_tests::Dice;

use super::*;

const CASES: u32 = 250_000;
const RESERVED: u8 = 0xf8;

fn byte(dice: &mut Dice) -> u8 {
    u8::try_from(dice.pick(0..256)).unwrap()
}

/// A frame before it is bytes.
#[derive(Debug)]
struct Made {
    flags: u8,
    body: Vec<u8>,
}

impl Made {
    fn throw(dice: &mut Dice) -> Self {
        let max_len = [10, 70, 300][dice.index(3)];
        let body: Vec<u8> = (0..dice.index(max_len)).map(|_| byte(dice)).collect();
        let long = match body.len() {
            0..256 => [0, LONG][dice.index(2)],
            _ => LONG,
        };
        let kind = [0, MORE, MORE, COMMAND][dice.index(4)];
        let reserved = [0, byte(dice) & RESERVED][dice.index(2)];
        Self {
            flags: long | kind | reserved,
            body,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let len = u64::try_from(self.body.len()).unwrap().to_be_bytes();
        let len = if self.flags & LONG == 0 {
            &len[7..]
        } else {
            &len
        };
        [&[self.flags][..], len, &self.body].concat()
    }
}

/// Gives the messages that the frames make up, each by the beginnings of its first two frames.
fn messages(frames: &[Made]) -> Vec<[Vec<u8>; 2]> {
    let said: Vec<_> = frames
        .iter()
        .filter(|frame| frame.flags & COMMAND == 0)
        .collect();
    let messages = said.split_inclusive(|frame| frame.flags & MORE == 0);
    let whole =
        messages.filter(|message| message.last().is_some_and(|last| last.flags & MORE == 0));
    let start = |message: &[&Made], index: usize| {
        let body = message.get(index).map_or(&[][..], |frame| &frame.body);
        body[..body.len().min(64)].to_vec()
    };
    whole
        .map(|message| [start(message, 0), start(message, 1)])
        .collect()
}

/// Reads messages until there is no other.
async fn read_all(mut bytes: &[u8]) -> Vec<[Vec<u8>; 2]> {
    let mut messages = Vec::new();
    while let Ok(message) = read_message(&mut bytes).await {
        messages.push(message);
    }
    messages
}

#[tokio::test]
async fn reads_messages_as_they_were_made() {
    let mut dice = Dice::from_env();
    for _ in 0..CASES {
        let frames: Vec<_> = (0..dice.index(8)).map(|_| Made::throw(&mut dice)).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(Made::bytes).collect();
        assert_eq!(read_all(&bytes).await, messages(&frames), "{frames:?}");
    }
}

#[tokio::test]
async fn keeps_little_of_messages_that_are_damaged() {
    let mut dice = Dice::from_env();
    let mut read = 0;
    for _ in 0..CASES {
        let frames = (0..=dice.index(4)).map(|_| Made::throw(&mut dice));
        let mut bytes: Vec<u8> = frames.flat_map(|frame| frame.bytes()).collect();
        for _ in 0..=dice.index(3) {
            let at = dice.index(bytes.len());
            bytes[at] = byte(&mut dice);
        }
        for [topic, body] in read_all(&bytes).await {
            assert!(topic.len() <= 64 && body.len() <= 64);
            let _what_it_tells = change(&topic, &body);
            read += 1;
        }
    }
    assert!(read > CASES / 4, "{read}");
}

#[tokio::test]
async fn survives_greetings_of_any_form() {
    let mut dice = Dice::from_env();
    let mut taken = 0;
    for _ in 0..CASES {
        let mut bytes = greeting().to_vec();
        for _ in 0..dice.index(4) {
            let at = dice.index(bytes.len());
            bytes[at] = byte(&mut dice);
        }
        bytes.truncate(64 - [0, dice.index(64)][dice.index(2)]);
        let is_whole = bytes.len() == 64;
        let is_taken = check_greeting(&mut &bytes[..]).await.is_ok();
        assert!(is_whole || !is_taken, "{bytes:?}");
        taken += u32::from(is_taken);
    }
    assert!(taken > CASES / 4 && taken < CASES, "{taken}");
}
