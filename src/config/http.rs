//! The settings of the HTTP server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The addresses it listens on, 1 to 16, loopback only.
    pub listen: Vec<SocketAddr>,
    /// A file of the tokens of those who may write: lines of `name sha256-hex`.
    pub token_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: vec![(Ipv4Addr::LOCALHOST, 8004).into()],
            token_file: None,
        }
    }
}
