//! Headers on every response.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// What a page may load and who may frame it.
#[derive(Debug, Clone)]
pub(crate) struct Policy(HeaderValue);

impl Policy {
    /// Everything from this server alone. Local pages, a notebook's above all, and those of `hosts` may frame it.
    pub(crate) fn new(hosts: &[String]) -> Self {
        let mut framing = String::from("'self' http://localhost:* http://127.0.0.1:*");
        for host in hosts {
            framing.push_str(&format!(" http://{host}:* https://{host}:*"));
        }
        let policy = format!(
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
             worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {framing}"
        );
        // Hosts are checked when the server starts; without a policy a browser would be free to do anything.
        Self(
            HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'self'")),
        )
    }
}

/// Adds them.
pub(crate) async fn add(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.0);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
