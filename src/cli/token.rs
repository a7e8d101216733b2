//! `analytics token new`: a token for those who may write over HTTP.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{UsageError, print};
use crate::http::tokens;

/// Make a token for the HTTP server.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics token new trader

Prints the token, which is shown once and kept nowhere, and the line for the file that http.token_file
names. A request carries it as `Authorization: Bearer TOKEN`.")]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand, Debug)]
enum TokenCommand {
    /// Print a new token and its line for the token file
    New {
        /// Who will use it: letters, digits, - and _
        #[arg(value_name = "NAME")]
        name: String,
    },
}

pub(super) fn execute(args: &TokenArgs) -> anyhow::Result<ExitCode> {
    let TokenCommand::New { name } = &args.command;
    let token = tokens::fresh().map_err(|why| anyhow::anyhow!("{why}"))?;
    let line = tokens::line(name, &token).map_err(UsageError)?;
    print(&format!("token: {token}"));
    print(&format!("line:  {line}"));
    Ok(ExitCode::SUCCESS)
}
