//! Who is refused: strangers' pages, people without the token, requests that name files, floods.

use crate::http::{Answer, get, post, raw, request};
use crate::run::Fixture;
use deepeyes_server::ServerOptions;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn other_hosts_and_origins_are_refused() {
    let fixture =
        Fixture::with(|options| ServerOptions { allow_hosts: vec!["lab.example".to_owned()], ..options });
    let address = fixture.address();
    let with = |headers: &[(&str, &str)]| request(address, "GET", "/api/runs", headers, "").status;
    for host in ["localhost:1", "127.0.0.1", "[::1]:6116", "lab.example:443"] {
        assert_eq!(with(&[("Host", host)]), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "192.168.3.4"] {
        assert_eq!(with(&[("Host", host)]), 403, "{host}");
    }
    let own = address.to_string();
    assert_eq!(with(&[("Origin", &format!("http://{own}"))]), 200);
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        assert_eq!(with(&[("Origin", origin)]), 403, "{origin}");
    }
    assert_eq!(raw(address, b"GET /api/runs HTTP/1.1\r\nConnection: close\r\n\r\n").status, 400);
    let absolute =
        format!("GET http://evil.example/api/runs HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(address, absolute.as_bytes()).status, 400);
}

#[test]
fn a_token_is_asked_for_and_exchanged_for_a_cookie() {
    let fixture =
        Fixture::with(|options| ServerOptions { token: Some("correct-horse".to_owned()), ..options });
    let address = fixture.address();
    assert!(fixture.server.url().ends_with("/?token=correct-horse"));
    for path in ["/", "/api/runs", "/api/openapi.json", "/assets/none.js", "/api/live"] {
        let answer = get(address, path);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    assert_eq!(post(address, "/api/runs/x/stop", "").status, 401);
    let bearer = |token: &str| request(address, "GET", "/api/runs", &[("Authorization", token)], "").status;
    assert_eq!(
        (bearer("Bearer correct-horse"), bearer("Bearer correct-hors"), bearer("Bearer ")),
        (200, 401, 401)
    );
    let exchanged = get(address, "/?token=correct-horse&run=1");
    assert_eq!((exchanged.status, exchanged.header("location")), (303, Some("./?run=1")));
    let cookie = exchanged.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(request(address, "GET", "/api/runs", &[("Cookie", pair)], "").status, 200);
    assert_eq!(get(address, "/?token=wrong-horse").status, 401);
}

#[test]
fn off_loopback_a_token_is_made() {
    let fixture = Fixture::with(|options| ServerOptions { host: "0.0.0.0".to_owned(), ..options });
    let port = fixture.address().port();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let token = fixture.server.url().split("token=").nth(1).unwrap();
    assert!(token.len() >= 32);
    assert_eq!(get(address, "/api/runs").status, 401);
    let bearer = format!("Bearer {token}");
    assert_eq!(request(address, "GET", "/api/runs", &[("Authorization", &bearer)], "").status, 200);
}

#[test]
fn every_answer_carries_the_security_headers() {
    let fixture = Fixture::new();
    for path in ["/", "/api/runs", "/api/nothing", "/nothing"] {
        let answer = get(fixture.address(), path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("unsafe-eval"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
}

#[test]
fn no_address_reaches_the_file_system() {
    let fixture = Fixture::new();
    std::fs::write(fixture.logdir.path().join("secret.txt"), "out of reach").unwrap();
    let long = format!("/api/runs/{}", "a".repeat(9000));
    for path in [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd",
        "/assets/../../Cargo.toml",
        "/api/runs/..%2f..%2fsecret.txt",
        "/api/runs/%2e%2e/%2e%2e/secret.txt",
        "/api/runs/%00",
        "/api/runs/run",
        "/api/runs/../runs",
        &long,
    ] {
        let answer = get(fixture.address(), path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("out of reach"), "{path}");
    }
}

#[test]
fn what_is_not_there_or_not_allowed_is_told_in_json() {
    let fixture = Fixture::new();
    let json = |answer: &Answer, status| {
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/json")));
        assert!(!answer.error().is_empty());
    };
    json(&get(fixture.address(), "/api/no-such-thing"), 404);
    json(&get(fixture.address(), "/api/runs/0123456789abcdef"), 404);
    json(&request(fixture.address(), "DELETE", "/api/runs", &[], ""), 405);
    json(&get(fixture.address(), &format!("{}/overview?at=x", fixture.run())), 400);
    json(&get(fixture.address(), &format!("{}/layers/x/detail", fixture.run())), 400);
    json(&post(fixture.address(), &format!("{}/plan", fixture.run()), "{"), 400);
    json(&post(fixture.address(), "/api/ingest/runs/x/nothing", "{}"), 404);
    json(&get(fixture.address(), "/api/live"), 400);
    let large = format!("{{\"actions\": [], \"x\": \"{}\"}}", "x".repeat(2 << 20));
    json(&post(fixture.address(), &format!("{}/plan", fixture.run()), &large), 413);
}

#[test]
fn a_base_path_is_served_with_and_without_it() {
    let fixture =
        Fixture::with(|options| ServerOptions { base_path: "/user/a/proxy/".to_owned(), ..options });
    let address = fixture.address();
    assert!(fixture.server.url().ends_with("/user/a/proxy/"));
    assert_eq!(get(address, "/user/a/proxy/api/runs").status, 200);
    assert_eq!(get(address, "/api/runs").status, 200);
    assert_eq!(get(address, "/user/a/proxy/").status, 200);
    assert_eq!(get(address, "/user/a/proxyapi/runs").status, 404);
    let bare = get(address, "/user/a/proxy?x=1");
    assert_eq!((bare.status, bare.header("location")), (308, Some("./proxy/?x=1")));
}

#[test]
fn silent_connections_hold_up_nobody_and_ending_does_not_wait_for_them() {
    let fixture = Fixture::new();
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(fixture.address()).unwrap()).collect();
    assert_eq!(get(fixture.address(), "/api/runs").status, 200);
    let start = Instant::now();
    fixture.server.stopper().stop();
    fixture.server.wait();
    assert!(start.elapsed() < Duration::from_secs(30));
    drop(silent);
}
