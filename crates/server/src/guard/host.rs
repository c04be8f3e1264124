//! `Host` and `Origin`: a page of a stranger must not reach this server, neither by a name of its own that resolves to
//! it (DNS rebinding) nor by a request across origins.

use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// The hosts by which this server may be addressed.
#[derive(Debug, Clone)]
pub(crate) struct Hosts(Arc<Allowed>);

#[derive(Debug)]
struct Allowed {
    /// The bound address.
    bound: IpAddr,
    /// The bound host as given, in lower case.
    host: String,
    /// Those allowed by name, in lower case.
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn new(bound: IpAddr, host: &str, allowed: &[String]) -> Self {
        let names = allowed.iter().map(|name| name.to_lowercase()).collect();
        Self(Arc::new(Allowed { bound, host: host.to_lowercase(), names }))
    }

    /// Whether a host without port is one of them. An address is no name that a stranger could have pointed here: where
    /// all addresses of the machine are bound, each is right.
    fn allows(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        if host == "localhost" || host == self.0.host || self.0.names.contains(&host) {
            return true;
        }
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || address == self.0.bound || self.0.bound.is_unspecified(),
            Err(_) => false,
        }
    }
}

/// Refuses requests to other hosts or from other origins.
pub(crate) async fn check(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let authority = request.uri().authority().map(|authority| authority.as_str().to_owned());
    match judge(&hosts, request.headers(), authority.as_deref()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn judge(hosts: &Hosts, headers: &HeaderMap, authority: Option<&str>) -> Result<(), ApiError> {
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        let value = values.next();
        (value, values.next().is_some())
    };
    let (host, twice) = only(header::HOST);
    let host = match (host.and_then(|host| host.to_str().ok()), authority) {
        (Some(host), None) => host,
        (Some(host), Some(authority)) if host.eq_ignore_ascii_case(authority) => host,
        _ => return Err(ApiError::bad_request("the request needs one Host header")),
    };
    if twice {
        return Err(ApiError::bad_request("the request needs one Host header"));
    }
    if !hosts.allows(without_port(host)) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "this server does not answer to that Host; start it with --allow-host NAME to let a name in",
        ));
    }
    let (origin, twice) = only(header::ORIGIN);
    let Some(origin) = origin else { return Ok(()) };
    let same = origin.to_str().is_ok_and(|origin| {
        let site = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        // A proxy that ends TLS may give its own name as origin and ours as host.
        site.is_some_and(|site| {
            site.eq_ignore_ascii_case(host) || hosts.0.names.contains(&without_port(site).to_lowercase())
        })
    });
    if same && !twice {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "pages of another origin may not use this server"))
}

/// `host:port` without the port.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => {
            if host.contains(':') && !host.starts_with('[') {
                authority
            } else {
                host
            }
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn judged(hosts: &Hosts, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        judge(hosts, &headers, None).is_ok()
    }

    #[test]
    fn loopback_names_with_any_port_and_named_hosts_are_let_in() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), "127.0.0.1", &["Lab.example".to_owned()]);
        for host in [
            "localhost",
            "localhost:9000",
            "LOCALHOST:1",
            "127.0.0.1:6116",
            "127.3.2.1",
            "[::1]:80",
            "lab.example:443",
        ] {
            assert!(judged(&hosts, host, None), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "192.168.0.4:6116",
            "127.0.0.1.evil.example",
            "",
            "::1:",
            "a:b",
        ] {
            assert!(!judged(&hosts, host, None), "{host}");
        }
    }

    #[test]
    fn an_address_is_right_where_all_are_bound() {
        let hosts = Hosts::new("0.0.0.0".parse().unwrap(), "0.0.0.0", &[]);
        assert!(judged(&hosts, "192.168.0.4:6116", None));
        assert!(!judged(&hosts, "evil.example:6116", None));
    }

    #[test]
    fn an_origin_must_be_the_host_or_a_named_one() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), "127.0.0.1", &["hub.example".to_owned()]);
        assert!(judged(&hosts, "127.0.0.1:6116", Some("http://127.0.0.1:6116")));
        assert!(judged(&hosts, "127.0.0.1:6116", Some("https://hub.example")));
        for origin in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:6117",
            "http://localhost:6116",
            "file://",
            "http://127.0.0.1:6116.evil.example",
        ] {
            assert!(!judged(&hosts, "127.0.0.1:6116", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let hosts = Hosts::new("127.0.0.1".parse().unwrap(), "127.0.0.1", &[]);
        let mut headers = HeaderMap::new();
        assert!(judge(&hosts, &headers, None).is_err());
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(judge(&hosts, &headers, Some("evil.example")).is_err());
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(judge(&hosts, &headers, None).is_err());
    }
}
