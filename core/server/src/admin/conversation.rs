//! One operator's connection: a command a line, answered in turn.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use electrode_protocol::{
    AdminAnswer, AdminCall, Id, Incoming, LineDecoder, Refusal, RpcError, encode_admin_response,
};
use tokio::{
    io::{AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::TcpStream,
    time::timeout,
};

use super::commands;
use crate::{
    Connection, Service,
    chunk::read_chunk,
    costs::Account,
    numbers::as_u64,
    session,
    session_info::{Count, SessionInfo},
};

/// Longest command. Units: bytes.
const MAX_LINE: usize = 100_000;

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Command,
    HangUp,
}

/// Talks with an operator until either side has had enough.
pub(super) async fn run(service: Arc<Service>, stream: TcpStream, connection: Connection) {
    let info = service.registry.enter(connection, Account::exempt());
    let mut conversation = Conversation::new(&service, &info, stream);
    let silence = service.limits().session_timeout;
    let ended = tokio::select! {
        _asked = info.asked_to_end() => Ok(()),
        ended = conversation.hold(silence) => ended,
    };
    if let Err(error) = ended {
        let peer = service.for_log(connection.peer);
        tracing::debug!(%peer, %error, "an operator's connection was lost");
    }
    service.registry.leave(&info);
}

struct Conversation<'a> {
    service: &'a Arc<Service>,
    info: &'a SessionInfo,
    reader: ReadHalf<TcpStream>,
    writer: WriteHalf<TcpStream>,
    decoder: LineDecoder,
    waiting: VecDeque<Result<Incoming, Refusal>>,
    is_trusted: bool,
}

impl<'a> Conversation<'a> {
    fn new(service: &'a Arc<Service>, info: &'a SessionInfo, stream: TcpStream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            service,
            info,
            reader,
            writer,
            decoder: LineDecoder::new(MAX_LINE),
            waiting: VecDeque::new(),
            is_trusted: service.admin_token().is_none(),
        }
    }

    async fn hold(&mut self, silence: Duration) -> io::Result<()> {
        loop {
            let next = match self.waiting.pop_front() {
                Some(message) => self.reply(message).await?,
                None => self.listen(silence).await?,
            };
            if next == Next::HangUp {
                return Ok(());
            }
        }
    }

    /// Waits for whole commands, up to `silence`.
    async fn listen(&mut self, silence: Duration) -> io::Result<Next> {
        let Self {
            info,
            reader,
            decoder,
            waiting,
            ..
        } = self;
        let mut take = |bytes: &[u8]| {
            info.count(Count::ReceivedBytes, as_u64(bytes.len()));
            session::decode(decoder, waiting, 1, bytes);
            !waiting.is_empty()
        };
        let mut has_command = false;
        let read = async {
            let mut len = 1;
            while len > 0 && !has_command {
                len = read_chunk(reader, |bytes| has_command = take(bytes)).await?;
            }
            io::Result::Ok(())
        };
        match timeout(silence, read).await {
            Ok(read) => read?,
            Err(_elapsed) => return Ok(Next::HangUp),
        }
        Ok(if has_command {
            Next::Command
        } else {
            Next::HangUp
        })
    }

    async fn reply(&mut self, message: Result<Incoming, Refusal>) -> io::Result<Next> {
        self.info.count(Count::ReceivedMessages, 1);
        self.info.count(Count::Requests, 1);
        let (id, call) = read_call(message);
        let is_stop = matches!(call, Ok(AdminCall::Stop));
        let result = match call {
            Ok(AdminCall::Auth(token)) => {
                let expected = self.service.admin_token();
                let is_right = expected.is_none_or(|expected| expected.is_same(&token));
                self.is_trusted |= is_right;
                match is_right {
                    true => Ok(AdminAnswer::Text("welcome".to_owned())),
                    false => Err(RpcError::bad_request("that is not the token")),
                }
            }
            Ok(_) if !self.is_trusted => Err(RpcError::bad_request(
                "expected the token first: call auth with the content of rpc_token_file",
            )),
            Ok(call) => commands::carry_out(self.service, call).await,
            Err(error) => Err(error),
        };
        self.info.count(Count::Errors, u64::from(result.is_err()));
        self.send(&id, &result).await?;
        if is_stop && result.is_ok() {
            self.service.orders.stop();
        }
        // Who guesses tokens gets one guess a connection.
        Ok(match self.is_trusted {
            true => Next::Command,
            false => Next::HangUp,
        })
    }

    async fn send(&mut self, id: &Id, result: &Result<AdminAnswer, RpcError>) -> io::Result<()> {
        let mut line = Vec::new();
        encode_admin_response(&mut line, id, result);
        self.info.count(Count::SentMessages, 1);
        let len = as_u64(line.len());
        self.info.count(Count::SentBytes, len);
        let patience = self.service.limits().send_timeout;
        let sent = timeout(patience, self.writer.write_all(&line)).await;
        sent.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn read_call(message: Result<Incoming, Refusal>) -> (Id, Result<AdminCall, RpcError>) {
    match message {
        Ok(Incoming::Single(request)) => (request.id.clone(), AdminCall::decode(&request)),
        Ok(Incoming::Batch(_)) => {
            let error = RpcError::invalid_request("expected one command a line, not a batch");
            (Id::null(), Err(error))
        }
        Err(Refusal { id, error }) => (id, Err(error)),
    }
}
