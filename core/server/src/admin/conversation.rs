//! One operator's connection: a command a line, answered in turn.
//!
//! Who has not shown the token yet has little time, and can say little. What is no JSON ends the
//! connection, and nothing behind it is looked at: so does the first line of any HTTP request, and
//! no web page can have a browser on the same machine hand over commands.

use std::{collections::VecDeque, io, sync::Arc};

use electrode_protocol::{
    AdminAnswer, AdminCall, Id, Incoming, LineDecoder, Refusal, RpcError, Token,
    encode_admin_response,
};
use tokio::{
    io::{AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{Desk, commands};
use crate::{
    Connection, Service,
    chunk::read_chunk,
    costs::Account,
    farewell::farewell,
    few::Place,
    numbers::as_u64,
    session,
    session_info::{Count, SessionInfo},
    tongue::Tongue,
};

/// Longest command. Units: bytes.
const MAX_LINE: usize = 100_000;
/// Most that is said before the token is shown: twenty times what that takes. Units: bytes.
const MAX_GREETING: usize = 4096;

/// What comes after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Command,
    HangUp,
}

/// Talks with an operator until either side has had enough.
pub(super) async fn run(
    desk: Arc<Desk>,
    stream: TcpStream,
    connection: Connection,
    place: Arc<Place>,
) {
    let service = &desk.service;
    let entry = Entry {
        service,
        info: service.registry.enter(connection, Account::exempt()),
    };
    let mut conversation = Conversation::new(&desk, &entry.info, stream, &place);
    let ended = tokio::select! {
        _asked = entry.info.asked_to_end() => Ok(()),
        ended = conversation.hold() => ended,
    };
    match ended {
        Ok(()) => farewell(&mut conversation.reader, &mut conversation.writer).await,
        Err(error) => {
            let peer = service.for_log(connection.peer);
            tracing::debug!(%peer, %error, "an operator's connection was lost");
        }
    }
}

/// Stands in the registry until it is dropped, however the connection ends.
struct Entry<'a> {
    service: &'a Service,
    info: Arc<SessionInfo>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.service.registry.leave(&self.info);
    }
}

struct Conversation<'a> {
    desk: &'a Desk,
    service: &'a Arc<Service>,
    info: &'a SessionInfo,
    place: &'a Place,
    reader: ReadHalf<TcpStream>,
    writer: WriteHalf<TcpStream>,
    decoder: LineDecoder,
    waiting: VecDeque<Result<Incoming, Refusal>>,
    began: Instant,
    /// Bytes that have come so far.
    heard: usize,
    is_trusted: bool,
}

impl<'a> Conversation<'a> {
    fn new(desk: &'a Desk, info: &'a SessionInfo, stream: TcpStream, place: &'a Place) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            desk,
            service: &desk.service,
            info,
            place,
            reader,
            writer,
            decoder: LineDecoder::new(MAX_LINE),
            waiting: VecDeque::new(),
            began: Instant::now(),
            heard: 0,
            is_trusted: desk.service.admin_token().is_none(),
        }
    }

    async fn hold(&mut self) -> io::Result<()> {
        loop {
            let next = match self.waiting.pop_front() {
                Some(message) => self.reply(message).await?,
                None => self.listen().await?,
            };
            if next == Next::HangUp {
                return Ok(());
            }
        }
    }

    /// Waits for whole commands, as long and as far as one may who is trusted or not.
    async fn listen(&mut self) -> io::Result<Next> {
        let limits = self.service.limits();
        let (deadline, max_len) = match self.is_trusted {
            true => (Instant::now() + limits.session_timeout, usize::MAX),
            false => (self.began + limits.handshake_timeout, MAX_GREETING),
        };
        drop(limits);
        while self.waiting.is_empty() && self.heard < max_len {
            let Ok(read) = timeout_at(deadline, self.read()).await else {
                return Ok(Next::HangUp);
            };
            if read? == Next::HangUp {
                return Ok(Next::HangUp);
            }
        }
        Ok(match self.waiting.is_empty() {
            true => Next::HangUp,
            false => Next::Command,
        })
    }

    /// Waits for some bytes.
    async fn read(&mut self) -> io::Result<Next> {
        let Self {
            desk,
            info,
            reader,
            decoder,
            waiting,
            heard,
            ..
        } = self;
        let mut tongue = None;
        let len = read_chunk(reader, |bytes| {
            info.count(Count::ReceivedBytes, as_u64(bytes.len()));
            tongue = Tongue::of(bytes).filter(|_| *heard == 0);
            *heard = heard.saturating_add(bytes.len());
            session::decode(decoder, waiting, 1, bytes);
        })
        .await?;
        if let Some(tongue @ (Tongue::Http | Tongue::Tls)) = tongue {
            desk.warn_of(tongue, info.connection.peer);
        }
        // TLS has no lines to be answered.
        Ok(match len {
            0 => Next::HangUp,
            _ if tongue == Some(Tongue::Tls) => Next::HangUp,
            _ => Next::Command,
        })
    }

    async fn reply(&mut self, message: Result<Incoming, Refusal>) -> io::Result<Next> {
        self.info.count(Count::ReceivedMessages, 1);
        self.info.count(Count::Requests, 1);
        let is_json = !is_parse_error(&message);
        let (id, call) = read_call(message);
        let is_stop = matches!(call, Ok(AdminCall::Stop));
        let result = match call {
            Ok(AdminCall::Auth(token)) => self.check(&token),
            Ok(_) if !self.is_trusted => Err(RpcError::bad_request(
                "expected the token first: call auth with the content of admin-token in data_dir, \
                 or of serve.rpc_token_file where that is set; `electrode admin` finds it by --config, or \
                 by --token-file",
            )),
            Ok(call) => {
                self.place.keep();
                commands::carry_out(self.service, call).await
            }
            Err(error) => Err(error),
        };
        self.info.count(Count::Errors, u64::from(result.is_err()));
        self.send(&id, &result).await?;
        if is_stop && result.is_ok() {
            self.service.orders.stop();
        }
        // Who guesses tokens gets one guess a connection.
        Ok(match self.is_trusted && is_json {
            true => Next::Command,
            false => Next::HangUp,
        })
    }

    fn check(&mut self, token: &Token) -> Result<AdminAnswer, RpcError> {
        let expected = self.service.admin_token();
        if !expected.is_none_or(|expected| expected.is_same(token)) {
            return Err(RpcError::bad_request("that is not the token"));
        }
        self.is_trusted = true;
        self.place.keep();
        Ok(AdminAnswer::Text("welcome".to_owned()))
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

fn is_parse_error(message: &Result<Incoming, Refusal>) -> bool {
    let refusal = message.as_ref().err();
    refusal.is_some_and(|refusal| refusal.error == RpcError::parse_error())
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
