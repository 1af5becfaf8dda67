//! Which page answers which path.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

use super::{metrics, status};
use crate::{Service, Stage};

/// The page: it asks for `/status.json` by itself and needs nothing from outside.
const PAGE: &str = include_str!("status.html");

/// Lets the page do what it does and nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; frame-ancestors 'none'",
);

/// Gives the pages.
pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(scrape))
        .route("/status.json", get(status_json))
        .route("/history.json", get(history))
        .route("/status", get(page))
        .route(
            "/",
            get(|| async { (StatusCode::SEE_OTHER, [(header::LOCATION, "/status")]) }),
        )
        .with_state(service)
}

async fn ready(State(service): State<Arc<Service>>) -> impl IntoResponse {
    match service.hindrance() {
        None => (StatusCode::OK, format!("{}\n", Stage::Serving)),
        Some(hindrance) => (StatusCode::SERVICE_UNAVAILABLE, format!("{hindrance}\n")),
    }
}

async fn scrape(State(service): State<Arc<Service>>) -> Response {
    match metrics::text(&service) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn status_json(State(service): State<Arc<Service>>) -> impl IntoResponse {
    fresh(Json(status::status_of(&service)))
}

async fn history(State(service): State<Arc<Service>>) -> impl IntoResponse {
    fresh(Json(service.history.samples()))
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))
}

fn fresh(page: impl IntoResponse) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], page)
}
