//! Who is let in: hosts and origins against pages of strangers, a token against people, headers against scripts.

mod headers;
mod host;
mod token;

pub(crate) use headers::{Policy, add as add_headers};
pub(crate) use host::{Hosts, check as check_host};
pub(crate) use token::{Token, check as check_token, checked as check_given_token, make as make_token};
