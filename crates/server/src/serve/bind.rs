//! The address: bound, and as people write it.

use crate::error::ServerError;
use crate::options::DEFAULT_PORT;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

/// Ports after the default one that are tried.
const TRIED: u16 = 100;

/// Binds a host's port: the one asked for, or the default one or the next that is free.
pub(super) fn listen(host: &str, port: Option<u16>) -> Result<(TcpListener, SocketAddr), ServerError> {
    let ip = resolve(host)?;
    let wanted = port.unwrap_or(DEFAULT_PORT);
    let last = if port.is_some() { wanted } else { wanted.saturating_add(TRIED) };
    for port in wanted..=last {
        match TcpListener::bind((ip, port)) {
            Ok(listener) => {
                let listen = |source| ServerError::Listen { host: host.to_owned(), port, source };
                listener.set_nonblocking(true).map_err(listen)?;
                let address = listener.local_addr().map_err(listen)?;
                return Ok((listener, address));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(source) if source.kind() == ErrorKind::AddrNotAvailable => {
                return Err(ServerError::Host { host: host.to_owned(), source });
            }
            Err(source) => return Err(ServerError::Listen { host: host.to_owned(), port, source }),
        }
    }
    Err(ServerError::PortTaken { host: host.to_owned(), port: wanted })
}

fn resolve(host: &str) -> Result<IpAddr, ServerError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse() {
        return Ok(ip);
    }
    let unknown = |source| ServerError::Host { host: host.to_owned(), source };
    let mut addresses: Vec<SocketAddr> = (host, 0).to_socket_addrs().map_err(unknown)?.collect();
    // Both kinds of `localhost` are there on many machines; browsers find the older one everywhere.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let first = addresses.first().map(SocketAddr::ip);
    first.ok_or_else(|| unknown(std::io::Error::from(ErrorKind::NotFound)))
}

/// The address to open.
pub(super) fn url(host: &str, address: SocketAddr, base_path: &str, token: Option<&str>) -> String {
    let ip = address.ip();
    let named = host.parse::<IpAddr>().is_err() && !host.starts_with('[');
    let shown = match ip {
        _ if ip.is_unspecified() => outward().to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(_) if named => host.to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
    };
    let token = token.map(|token| format!("?token={token}")).unwrap_or_default();
    format!("http://{shown}:{}{base_path}/{token}", address.port())
}

/// The address by which others reach this machine, as its routes have it; nothing is sent to find it.
fn outward() -> IpAddr {
    let found = || -> std::io::Result<IpAddr> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // An address for documentation: no route but the default one leads there.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    found().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_browsers_read_them() {
        let at = |address: &str| address.parse::<SocketAddr>().unwrap();
        assert_eq!(url("127.0.0.1", at("127.0.0.1:6116"), "", None), "http://127.0.0.1:6116/");
        assert_eq!(
            url("localhost", at("127.0.0.1:80"), "/a/b", Some("t")),
            "http://localhost:80/a/b/?token=t"
        );
        assert_eq!(url("::1", at("[::1]:6116"), "", None), "http://[::1]:6116/");
    }

    #[test]
    fn a_taken_port_is_named_or_the_next_one_used() {
        let (_taken, address) = listen("127.0.0.1", Some(0)).unwrap();
        let error = listen("127.0.0.1", Some(address.port())).unwrap_err();
        assert!(error.to_string().contains(&address.port().to_string()), "{error}");
        assert!(matches!(listen("no such host", Some(0)), Err(ServerError::Host { .. })));
        assert!(matches!(listen("192.0.2.7", Some(0)), Err(ServerError::Host { .. })));
    }
}
