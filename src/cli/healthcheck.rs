//! `analytics healthcheck`: asks a running daemon how it is, for scripts and containers.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Common, UsageError, print, runtime};

/// A daemon that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MAX_BODY: usize = 1 << 20;

/// Ask a running daemon for its health: exit 0 while its loop turns, 1 otherwise.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  analytics healthcheck http://127.0.0.1:8004")]
pub(super) struct HealthcheckArgs {
    /// Where it listens; by default the first address of `http.listen`
    url: Option<String>,
}

pub(super) fn execute(args: HealthcheckArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let url = match args.url {
        Some(url) => url,
        None => {
            let config = common.load(&[])?.config;
            let first = config.http.listen.first();
            first.map_or_else(String::new, |address| format!("http://{address}"))
        }
    };
    let uri: Uri = url.parse().map_err(|_| not_a_url(&url))?;
    if uri.scheme_str() != Some("http") || uri.host().is_none() {
        return Err(not_a_url(&url).into());
    }
    runtime()?.block_on(async {
        let answer = tokio::time::timeout(PATIENCE, ask(&uri)).await;
        let (ok, body) = answer
            .with_context(|| format!("no answer from {url} within {} s", PATIENCE.as_secs()))?
            .with_context(|| format!("cannot reach {url} (is the daemon running?)"))?;
        print(&body);
        Ok(match ok {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    })
}

fn not_a_url(url: &str) -> UsageError {
    UsageError(format!(
        "`{url}` is not an address such as http://127.0.0.1:8004"
    ))
}

async fn ask(uri: &Uri) -> anyhow::Result<(bool, String)> {
    let host = uri.host().unwrap_or_default().to_owned();
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = hyper::Request::get("/health")
        .header(hyper::header::HOST, format!("{host}:{port}"))
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let ok = response.status().is_success();
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    Ok((ok, String::from_utf8_lossy(&body).into_owned()))
}
