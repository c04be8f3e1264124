//! The token that lets people in where others could reach the server.

use crate::error::{ApiError, ServerError};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Characters of a token that is made: 160 bits.
const LENGTH: usize = 32;
/// Without those that are read for others.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a given one at least.
const SHORTEST: usize = 8;

/// The token, where one is needed, and the cookie that holds it.
#[derive(Clone)]
pub(crate) struct Token(Option<Arc<Secret>>);

struct Secret {
    token: String,
    /// Cookies are shared by all ports of a host: the name tells servers apart.
    cookie: String,
    path: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Token(hidden)" } else { "Token(none)" })
    }
}

/// A new token.
///
/// # Errors
/// Where the system has no random numbers.
pub(crate) fn make() -> Result<String, ServerError> {
    let mut bytes = [0_u8; LENGTH];
    getrandom::fill(&mut bytes)
        .map_err(|error| ServerError::System { source: std::io::Error::other(error.to_string()) })?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

/// Checks a token that was given.
///
/// # Errors
/// Where it is too short to be a secret, or does not fit into an address.
pub(crate) fn checked(token: &str) -> Result<(), ServerError> {
    let plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    if plain && token.len() >= SHORTEST {
        return Ok(());
    }
    Err(ServerError::Setting {
        name: "the token",
        value: "*".repeat(token.chars().count()),
        expected: "at least 8 letters, digits, or any of - _ . ~",
    })
}

impl Token {
    /// Lets in who has `token`; all where there is none.
    pub(crate) fn new(token: Option<&str>, port: u16, path: &str) -> Self {
        Self(token.map(|token| {
            Arc::new(Secret {
                token: token.to_owned(),
                cookie: format!("deepeyes-{port}"),
                path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            })
        }))
    }
}

impl Secret {
    /// In a time that does not depend on where they differ.
    fn is(&self, given: &str) -> bool {
        self.token.as_bytes().ct_eq(given.as_bytes()).into()
    }

    fn is_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get_all(header::AUTHORIZATION)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split_once(' '))
            .any(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && self.is(token.trim()));
        let cookie = || {
            let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
            let mut pairs =
                cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
            pairs.any(|(name, token)| name == self.cookie && self.is(token))
        };
        bearer || cookie()
    }
}

/// Refuses who has no token; exchanges the address's for a cookie.
pub(crate) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    let Some(secret) = token.0 else { return next.run(request).await };
    let given = request.uri().query().and_then(of_query);
    if request.method() == Method::GET
        && request.uri().path() == "/"
        && given.is_some_and(|given| secret.is(given))
    {
        return exchange(&secret, request.uri().query().unwrap_or_default());
    }
    if secret.is_in(request.headers()) {
        return next.run(request).await;
    }
    let error = ApiError::new(
        StatusCode::UNAUTHORIZED,
        "a token is needed; open the address that the server printed, or send `Authorization: Bearer TOKEN`",
    );
    ([(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))], error).into_response()
}

fn of_query(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Back to the same place without the token, which then stands neither in the address bar nor in the history.
fn exchange(secret: &Secret, query: &str) -> Response {
    let rest: Vec<&str> =
        query.split('&').filter(|pair| !pair.starts_with("token=") && !pair.is_empty()).collect();
    // Relative, so that it holds behind a proxy's prefix.
    let location = if rest.is_empty() { "./".to_owned() } else { format!("./?{}", rest.join("&")) };
    let cookie = format!("{}={}; Path={}; HttpOnly; SameSite=Lax", secret.cookie, secret.token, secret.path);
    let headers = [(header::LOCATION, location), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_tokens_fit_an_address_and_differ() {
        let (one, other) = (make().unwrap(), make().unwrap());
        assert_ne!(one, other);
        assert!(checked(&one).is_ok() && one.len() == LENGTH);
        assert!(checked("short").is_err() && checked("with space&more").is_err());
    }

    #[test]
    fn a_token_is_read_from_header_and_cookie_alone() {
        let secret = Token::new(Some("0123456789"), 6116, "").0.unwrap();
        let with = |name, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            secret.is_in(&headers)
        };
        assert!(
            with(header::AUTHORIZATION, "Bearer 0123456789")
                && with(header::AUTHORIZATION, "bearer 0123456789")
        );
        assert!(with(header::COOKIE, "a=b; deepeyes-6116=0123456789"));
        assert!(
            !with(header::AUTHORIZATION, "Basic 0123456789")
                && !with(header::AUTHORIZATION, "Bearer 012345678")
        );
        assert!(!with(header::COOKIE, "deepeyes-6117=0123456789"));
    }
}
