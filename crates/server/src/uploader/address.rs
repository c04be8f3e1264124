//! The server's address as people write it: `http://host:6116`, or as `deepeyes serve` prints it, with `?token=`.

use super::UploadError;
use axum::http::uri::Uri;

/// Where a server is, and what lets us in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) token: Option<String>,
}

impl Address {
    /// Reads it; `token` is used before the one in the address.
    ///
    /// # Errors
    /// [`UploadError::Address`], [`UploadError::TokenText`].
    pub(super) fn parse(server: &str, token: Option<&str>) -> Result<Self, UploadError> {
        let refused =
            |reason: &str| UploadError::Address { server: hidden(server), reason: reason.to_owned() };
        let uri: Uri = server.trim().parse().map_err(|_| refused("it is not an address"))?;
        let Some(authority) = uri.authority() else { return Err(refused("it names no host")) };
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(refused(
                    "https is not supported; use http inside a trusted network, or through an SSH tunnel (ssh -L)",
                ));
            }
            _ => return Err(refused("it does not begin with http://")),
        }
        if authority.as_str().contains('@') {
            return Err(refused("names and passwords are not supported"));
        }
        let mut pairs = uri.query().unwrap_or_default().split('&');
        let in_address = pairs.find_map(|pair| pair.strip_prefix("token="));
        let token = token.or(in_address).map(str::trim).filter(|token| !token.is_empty());
        if token.is_some_and(|token| token.bytes().any(|byte| !byte.is_ascii_graphic())) {
            return Err(UploadError::TokenText);
        }
        let base = format!("http://{authority}{}", uri.path().trim_end_matches('/'));
        Ok(Self { base, token: token.map(str::to_owned) })
    }

    /// The page of a run.
    pub(super) fn page(&self, id: &str) -> String {
        format!("{}/#run={id}", self.base)
    }
}

/// An address without what follows `?`: a token is nobody else's business.
fn hidden(server: &str) -> String {
    server.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_printed() {
        let read = |server: &str, token| Address::parse(server, token).unwrap();
        let plain = read("http://gpu-host:6116", None);
        assert_eq!((plain.base.as_str(), plain.token), ("http://gpu-host:6116", None));
        let printed = read("http://[::1]:6116/proxy/a/?token=correct-horse", None);
        assert_eq!(
            (printed.base.as_str(), printed.token.as_deref()),
            ("http://[::1]:6116/proxy/a", Some("correct-horse"))
        );
        assert_eq!(read("http://a/?token=one", Some("other")).token.as_deref(), Some("other"));
        assert_eq!(read("http://a/b", None).page("12"), "http://a/b/#run=12");
    }

    #[test]
    fn refusals_say_what_to_do_and_hide_the_token() {
        let refused = |server: &str| Address::parse(server, None).unwrap_err().to_string();
        for server in ["gpu-host:6116", "", "/runs", "ftp://a", "http://", "http://me:secret@a"] {
            assert!(refused(server).contains("http://host:6116"), "{server}");
        }
        assert!(refused("https://a/?token=correct-horse").contains("SSH tunnel"));
        assert!(!refused("https://a/?token=correct-horse").contains("correct-horse"));
        assert!(matches!(Address::parse("http://a", Some("a\nb")), Err(UploadError::TokenText)));
    }
}
