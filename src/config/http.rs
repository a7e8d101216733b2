//! The settings of the HTTP server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The addresses it listens on, 1 to 16. One that is not loopback needs `token_file`.
    pub listen: Vec<SocketAddr>,
    /// A file of the tokens of those who may come in from elsewhere, and who may write: lines of
    /// `name sha256-hex`.
    pub token_file: Option<PathBuf>,
    /// Whether anybody may read without a token.
    pub allow_unauthenticated: bool,
    /// Whether a client on this host may read without one. Not where a proxy here passes on others.
    pub trust_loopback: bool,
    /// Names the server goes by, beside those of loopback and its own addresses.
    pub hosts: Vec<String>,
    /// Origins whose pages may read and sign in.
    pub origins: Vec<String>,
    /// Whether the session's cookie is for TLS only, as behind a proxy that ends it.
    pub secure_cookies: bool,
    /// Hours a session lasts, 0.1 to 720.
    pub session_hours: f64,
    /// Connections at one time, 1 to 100000.
    pub max_connections: usize,
    /// Clients that follow documents at one time, 0 to 100000.
    pub max_streams: usize,
    /// Requests an address may send in a second, loopback exempt; 0 for any number.
    pub requests_per_second: f64,
    /// Milliseconds a client may take for its headers, 100 to 600000.
    pub header_timeout_ms: u64,
    /// Milliseconds it may take nothing of what is sent, 100 to 600000.
    pub send_timeout_ms: u64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: vec![(Ipv4Addr::LOCALHOST, 8004).into()],
            token_file: None,
            allow_unauthenticated: false,
            trust_loopback: true,
            hosts: Vec::new(),
            origins: Vec::new(),
            secure_cookies: false,
            session_hours: 12.0,
            max_connections: 4096,
            max_streams: 2048,
            requests_per_second: 0.0,
            header_timeout_ms: 10_000,
            send_timeout_ms: 10_000,
        }
    }
}
