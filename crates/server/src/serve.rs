//! From options to a server that listens, and to its end.

mod bind;
mod connections;

use crate::api;
use crate::app::{App, MOST_SOCKETS};
use crate::error::ServerError;
use crate::guard::{self, Hosts, Policy, Token};
use crate::ingest::Ingest;
use crate::options::ServerOptions;
use crate::page;
use crate::runs::Runs;
use axum::Router;
use axum::middleware::from_fn_with_state;
use connections::accept;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// Threads that serve; what reads files has threads of its own. Few, because a training may want the processors.
const THREADS: usize = 2;
/// Threads that read files.
const READING_THREADS: usize = 8;
/// Responses below this many bytes are not compressed.
const SMALLEST_COMPRESSED: u16 = 1024;

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    url: String,
    address: SocketAddr,
    runs: Runs,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

/// Ends a server; cheap to clone, from any thread.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Takes no more connections, lets requests end, and closes the live sockets.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Server {
    /// Binds the address, and serves from threads of its own.
    ///
    /// # Errors
    /// Where a setting cannot be used, or the address cannot be bound.
    pub fn start(options: ServerOptions) -> Result<Self, ServerError> {
        options.check_allowed()?;
        let base_path = options.checked_base_path()?;
        let (listener, address) = bind::listen(&options.host, options.port)?;
        let token = match &options.token {
            Some(token) => {
                guard::check_given_token(token)?;
                Some(token.clone())
            }
            None if address.ip().is_loopback() => None,
            None => Some(guard::make_token()?),
        };
        let runs = Runs::new(&options.logdir);
        let (stop, ending) = watch::channel(false);
        let sockets = Arc::new(Semaphore::new(MOST_SOCKETS));
        let ingest = Ingest::new(runs.clone(), options.logdir.clone(), options.trainer_silence);
        let app = App {
            runs: runs.clone(),
            ingest: ingest.clone(),
            launcher: options.launcher,
            sockets: Arc::clone(&sockets),
            ending: ending.clone(),
        };
        let guards = Guards {
            policy: Policy::new(&options.allow_hosts),
            hosts: Hosts::new(address.ip(), &options.host, &options.allow_hosts),
            token: Token::new(token.as_deref(), address.port(), &base_path),
        };
        let router = router(app, guards);
        let url = bind::url(&options.host, address, &base_path, token.as_deref());
        let system = |source| ServerError::System { source };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(READING_THREADS)
            .thread_name("deepeyes-server")
            .enable_all()
            .build()
            .map_err(system)?;
        let listener = {
            let _guard = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(system)?
        };
        let thread = std::thread::Builder::new()
            .name("deepeyes-accept".to_owned())
            .spawn(move || {
                runtime.spawn(ingest.clone().watch(ending.clone()));
                runtime.block_on(accept(listener, router, base_path, sockets, ending));
                // No request is at work any more when it is gone.
                drop(runtime);
                ingest.close();
            })
            .map_err(system)?;
        Ok(Self { url, address, runs, stop: Stop(stop), thread: Some(thread) })
    }

    /// The address to open, with its token where one is needed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The runs that it shows.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// What ends it.
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// Waits until it has ended.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic in there has been told on stderr.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Guards {
    policy: Policy,
    hosts: Hosts,
    token: Token,
}

fn router(app: App, Guards { policy, hosts, token }: Guards) -> Router {
    let compressed = SizeAbove::new(SMALLEST_COMPRESSED)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new(crate::frame::CONTENT_TYPE));
    Router::new()
        .nest("/api", api::router())
        .fallback(axum::routing::get(page::file))
        .with_state(app)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressed))
        .layer(from_fn_with_state(token, guard::check_token))
        .layer(from_fn_with_state(hosts, guard::check_host))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(policy, guard::add_headers))
}
