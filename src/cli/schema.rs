//! `analytics schema`: the JSON Schema of every document.

use std::process::ExitCode;

use clap::Args;
use quant::calculators;
use quant::document;

use super::{UsageError, print};
use crate::schemas;

/// Print the JSON Schema of a document, or the names of all.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics schema          every name, with what it is
  analytics schema vpin     the schema of analytics:{S}:vpin")]
pub(super) struct SchemaArgs {
    /// Name of a document
    name: Option<String>,
}

pub(super) fn execute(args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.name else {
        for card in calculators::all() {
            print(&format!("{:<20}{}", card.name, card.about));
        }
        print(&format!("{:<20}{}", "heartbeat", schemas::HEARTBEAT_ABOUT));
        return Ok(ExitCode::SUCCESS);
    };
    let schema = match name.as_str() {
        "heartbeat" => schemas::heartbeat(),
        name => match calculators::find(name) {
            Some(card) => document::schema(card),
            None => return Err(UsageError(unknown(name)).into()),
        },
    };
    print(&serde_json::to_string_pretty(&schema)?);
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> String {
    let mut names: Vec<&str> = calculators::all().map(|card| card.name).collect();
    names.push("heartbeat");
    let nearest = names
        .iter()
        .min_by_key(|other| strsim::levenshtein(name, other));
    let nearest = nearest.map_or("", |nearest| nearest);
    format!(
        "no document is called `{name}` (did you mean `{nearest}`? there are {})",
        names.join(", ")
    )
}
