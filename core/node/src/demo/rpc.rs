//! JSON-RPC over HTTP, as bitcoind up to version 27 speaks it: calls alone or in batches, errors
//! with HTTP status 500, both `result` and `error` in every answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time};

use super::{Node, Signal, World, accept::Refusal, json, methods, params::Params};

/// The longest request: a batch of the largest transactions that are relayed.
const MAX_BODY: usize = 4 << 20;

/// The most calls in one request.
const MAX_BATCH: usize = 1000;

/// Why a call has no result.
#[derive(Clone, Debug)]
pub(super) struct RpcError {
    pub(super) code: i64,
    pub(super) message: String,
}

impl RpcError {
    pub(super) fn new(code: i64, message: &str) -> Self {
        Self {
            code,
            message: message.to_owned(),
        }
    }

    fn status(&self) -> StatusCode {
        match self.code {
            -32600 => StatusCode::BAD_REQUEST,
            -32601 => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Refusal> for RpcError {
    fn from(Refusal { code, message }: Refusal) -> Self {
        Self { code, message }
    }
}

/// Serves until the node closes; answers what is open then.
pub(super) async fn serve(listener: TcpListener, node: Arc<Node>) {
    let closing = Arc::clone(&node);
    let app = Router::new()
        .route("/", post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(node);
    let served = axum::serve(listener, app)
        .with_graceful_shutdown(async move { closing.closed().await })
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "the demonstration node cannot serve");
    }
}

async fn answer(State(node): State<Arc<Node>>, body: Bytes) -> (StatusCode, Json<Value>) {
    match serde_json::from_slice(&body) {
        Ok(Value::Array(calls)) if calls.len() <= MAX_BATCH => {
            let mut answers = Vec::with_capacity(calls.len());
            for call in &calls {
                answers.push(result(call, perform(&node, call).await).1);
            }
            (StatusCode::OK, Json(Value::Array(answers)))
        }
        Ok(Value::Array(_)) => single(
            &Value::Null,
            Err(RpcError::new(-32600, "Batch is too long")),
        ),
        Ok(call) => single(&call, perform(&node, &call).await),
        Err(_error) => single(&Value::Null, Err(RpcError::new(-32700, "Parse error"))),
    }
}

fn single(call: &Value, performed: Result<Value, RpcError>) -> (StatusCode, Json<Value>) {
    let (status, answer) = result(call, performed);
    (status, Json(answer))
}

fn result(call: &Value, performed: Result<Value, RpcError>) -> (StatusCode, Value) {
    let id = call.get("id").unwrap_or(&Value::Null);
    match performed {
        Ok(result) => (
            StatusCode::OK,
            json!({"result": result, "error": null, "id": id}),
        ),
        Err(error) => {
            let told = json!({"code": error.code, "message": error.message});
            (
                error.status(),
                json!({"result": null, "error": told, "id": id}),
            )
        }
    }
}

async fn perform(node: &Node, call: &Value) -> Result<Value, RpcError> {
    let invalid = || RpcError::new(-32600, "Invalid Request object");
    let method = call
        .get("method")
        .and_then(Value::as_str)
        .ok_or_else(invalid)?;
    let params = Params::new(call.get("params"))?;
    if method == "waitfornewblock" {
        return wait_for_new_block(node, params).await;
    }
    let World { chain, .. } = &mut *node.lock();
    methods::call(chain, method, params)
}

/// Waits for a block as long as the caller says in milliseconds, 0 being for ever.
async fn wait_for_new_block(node: &Node, params: Params<'_>) -> Result<Value, RpcError> {
    let millis = params.get(0).map_or(Ok(0), |_| params.number(0))?;
    let mut signal = node.signal.subscribe();
    let seen = *signal.borrow_and_update();
    let changed = signal.wait_for(|signal| *signal != seen || *signal == Signal::Closing);
    match millis {
        // An error would mean that nothing is signalled any more, which ends the wait as well.
        0 => drop(changed.await),
        millis => drop(time::timeout(Duration::from_millis(millis), changed).await),
    }
    Ok(json::tip(&node.lock().chain))
}
