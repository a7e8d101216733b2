//! The `analytics` program: argv to a command, and the only place errors reach a person.

use std::process::ExitCode;

use analytics::cli::{Cli, execute, is_usage_error};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The TLS of the store has no default; a second install only says there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match execute(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            print_error(&error);
            match is_usage_error(&error) {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is where a person reads errors")]
fn print_error(error: &anyhow::Error) {
    eprintln!("{error:#}");
}
