//! What `deepeyes serve` is told.

use deepeyes_server::ServerOptions;
use std::path::Path;

/// Show runs in the browser, finished and live ones
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    /// Host name or address to listen on; off loopback a token is needed [default: 127.0.0.1]
    #[arg(long, value_name = "H")]
    pub(crate) host: Option<String>,
    /// Port; 0: any that is free [default: 6116, or the next free one]
    #[arg(long, value_name = "P")]
    pub(crate) port: Option<u16>,
    /// Token that lets people in; made where one is needed and none is given
    #[arg(long, value_name = "T", env = "DEEPEYES_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// A name by which the server may be addressed, such as a proxy's; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) allow_host: Vec<String>,
    /// Path below which a proxy shows the page
    #[arg(long, value_name = "PATH")]
    pub(crate) base_path: Option<String>,
}

impl ServeArgs {
    /// The server over a log directory.
    pub(crate) fn options(&self, logdir: &Path) -> ServerOptions {
        let default = ServerOptions::new(logdir);
        ServerOptions {
            host: self.host.clone().unwrap_or(default.host),
            port: self.port,
            token: self.token.clone(),
            allow_hosts: self.allow_host.clone(),
            base_path: self.base_path.clone().unwrap_or_default(),
            ..default
        }
    }
}
