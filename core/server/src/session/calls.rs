//! What calls mean for the session itself: who the client is, what it is subscribed to.

use electrode_coin::ScriptHash;
use electrode_protocol::{
    Answer, Call, Dialect, ProtocolVersion, Request, RequestedVersion, RpcError, Spelling,
    negotiate,
};
use tokio::time::Instant;

use super::{
    Session,
    work::{Prepared, Step},
};
use crate::{ServerConfig, session_info::Count};

impl<S> Session<S> {
    /// Does what a request means for the session itself.
    pub(super) fn prepare(&mut self, request: &Request) -> Prepared {
        self.info.count(Count::Requests, 1);
        if self.info.is_logged() {
            let peer = self.service.for_log(self.info.connection.peer);
            tracing::info!(session = self.info.id, %peer, %request, "request");
        }
        let mut subscribes = None;
        let mut price = 0.0;
        let step = match self.dialect.decode(request) {
            Ok(call) => {
                price = self.service.limits().costs.prices.call(&call);
                self.prepare_measured(call, &mut subscribes)
            }
            Err(error) => {
                self.service.metrics.count_unreadable();
                Step::Answered(Err(error))
            }
        };
        Prepared {
            id: request.id.clone(),
            subscribes,
            step,
            price,
        }
    }

    /// Unsubscribes, if the session is subscribed.
    pub(super) fn unsubscribe(&mut self, script: &ScriptHash) {
        if self.scripts.remove(script) {
            self.spellings.remove(script);
            self.info.set(Count::Subscriptions, self.scripts.len());
            self.service
                .subscriptions
                .remove(script, self.mailbox.session);
        }
    }

    /// Measures what the session answers by itself; the rest is measured where it is answered.
    fn prepare_measured(&mut self, call: Call, subscribes: &mut Option<ScriptHash>) -> Step {
        let (method, started) = (call.method(), Instant::now());
        let step = self.prepare_call(call, subscribes);
        if matches!(step, Step::Answered(_)) {
            self.service.metrics.of(method).record(started.elapsed());
        }
        step
    }

    fn prepare_call(&mut self, call: Call, subscribes: &mut Option<ScriptHash>) -> Step {
        let has_name = self.info.client().is_some();
        if let Some(error) = self.service.limits().clients.refuse(&call, has_name) {
            self.refuse_client();
            return Step::Answered(Err(error));
        }
        match call {
            Call::ServerVersion {
                client_name,
                requested,
            } => {
                tracing::debug!(session = self.mailbox.session, client_name, %requested, "client");
                let answered = self.negotiate(&requested);
                self.info.set_client(&client_name, self.dialect.version());
                Step::Answered(answered)
            }
            Call::HeadersSubscribe => {
                // Before the snapshot is taken, so that no block falls between.
                self.service.subscriptions.add_headers(&self.mailbox);
                Step::Ask(call)
            }
            Call::Subscribe {
                script,
                ref spelling,
            } => match self.subscribe(script, subscribes) {
                Ok(()) => {
                    self.spell(script, spelling.clone());
                    Step::Ask(call)
                }
                Err(error) => Step::Answered(Err(error)),
            },
            Call::Unsubscribe(script) => {
                let was_subscribed = self.scripts.contains(&script);
                self.unsubscribe(&script);
                Step::Answered(Ok(Answer::Bool(was_subscribed)))
            }
            call => Step::Ask(call),
        }
    }

    fn negotiate(&mut self, requested: &RequestedVersion) -> Result<Answer, RpcError> {
        let ServerConfig {
            name, protocol_min, ..
        } = &self.service.config;
        let version: Result<ProtocolVersion, RpcError> =
            negotiate(requested, *protocol_min, ServerConfig::PROTOCOL_MAX);
        match version {
            Ok(version) => {
                self.dialect = Dialect::negotiated(version);
                Ok(Answer::Version {
                    server: name.clone(),
                    version,
                })
            }
            Err(error) => {
                self.refuse_client();
                Err(error)
            }
        }
    }

    /// Remembers how the client writes a script hash; of several ways the last one counts.
    fn spell(&mut self, script: ScriptHash, spelling: Option<Spelling>) {
        match spelling {
            Some(spelling) => drop(self.spellings.insert(script, spelling)),
            None => drop(self.spellings.remove(&script)),
        }
    }

    /// Subscribes before the status is computed, so that no change falls between.
    fn subscribe(
        &mut self,
        script: ScriptHash,
        subscribes: &mut Option<ScriptHash>,
    ) -> Result<(), RpcError> {
        if self.scripts.contains(&script) {
            self.service.subscriptions.forget_told(&script);
            return Ok(());
        }
        let limits = self.service.limits();
        if self.scripts.len() >= limits.max_subscriptions {
            let text = format!(
                "your subscription limit {} reached",
                limits.max_subscriptions
            );
            return Err(RpcError::bad_request(text));
        }
        let max = limits.max_subscriptions_total;
        if !self.service.subscriptions.add(script, &self.mailbox, max) {
            return Err(RpcError::bad_request(format!(
                "server subscription limit {max} reached"
            )));
        }
        self.scripts.insert(script);
        self.info.set(Count::Subscriptions, self.scripts.len());
        *subscribes = Some(script);
        Ok(())
    }
}
