//! One HTTP request and its answer, both bounded in time and the answer in size.

use std::{error::Error, fmt::Write as _, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use hyper_util::{
    client::legacy::{self, Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::{DaemonConfig, DaemonError, DaemonUrl};

/// Longest wait for a connection: a host that is off must not cost a whole request timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an unused connection is kept: less than the 30 seconds after which Bitcoin Core
/// closes it, lest a request goes out just as the connection ends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// An HTTP client that keeps its connections.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

/// A request, and how much may come back.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) body: Bytes,
    /// Longest answer that is accepted. Units: bytes.
    pub(crate) max_answer: usize,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Http {
    pub(crate) fn new(config: &DaemonConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE_TIMEOUT)
                .pool_max_idle_per_host(config.connections)
                .build(connector),
            timeout: config.request_timeout,
        }
    }

    /// Posts a JSON-RPC request.
    pub(crate) async fn post(
        &self,
        url: &DaemonUrl,
        authorization: Option<HeaderValue>,
        ask: &Ask,
    ) -> Result<Response, DaemonError> {
        let mut request = request(Method::POST, url.rpc_uri().clone(), ask.body.clone());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        self.send(url, request, ask.max_answer).await
    }

    /// Gets an absolute path, whose content has at most `max_len` bytes.
    pub(crate) async fn get(
        &self,
        url: &DaemonUrl,
        path: &str,
        max_len: usize,
    ) -> Result<Response, DaemonError> {
        let request = request(Method::GET, url.rest_uri(path)?, Bytes::new());
        self.send(url, request, max_len).await
    }

    async fn send(
        &self,
        url: &DaemonUrl,
        request: Request<Full<Bytes>>,
        max_len: usize,
    ) -> Result<Response, DaemonError> {
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), max_len);
            let body = body.collect().await?.to_bytes();
            Ok(Response { status, body })
        };
        let answer: Result<_, Box<dyn Error + Send + Sync>> =
            match tokio::time::timeout(self.timeout, exchange).await {
                Ok(answer) => answer,
                Err(_elapsed) => Err(format!("it took more than {:?}", self.timeout).into()),
            };
        answer.map_err(|error| {
            let url = url.to_string();
            if error.is::<LengthLimitError>() {
                let limit = max_len;
                return DaemonError::TooLarge { url, limit };
            }
            let client_error = error.downcast_ref::<legacy::Error>();
            DaemonError::Unreachable {
                url,
                reason: chain(error.as_ref()),
                may_have_arrived: !client_error.is_some_and(legacy::Error::is_connect),
            }
        })
    }
}

fn request(method: Method, uri: Uri, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request
}

/// Puts an error and what caused it on one line: hyper's own text names only the outermost.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("writing to a string cannot fail");
        cause = error.source();
    }
    text
}
