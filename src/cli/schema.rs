//! `analytics schema`: the JSON Schema of every document.

use std::process::ExitCode;

use super::{UsageError, print};
use crate::schemas;
use clap::Args;

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
        for (name, schema) in schemas::all() {
            let about = schema["description"].as_str().unwrap_or_default();
            print(&format!("{name:<20}{about}"));
        }
        return Ok(ExitCode::SUCCESS);
    };
    let found = schemas::all().into_iter().find(|(other, _)| other == name);
    let (_, schema) = found.ok_or_else(|| UsageError(unknown(name)))?;
    print(&serde_json::to_string_pretty(&schema)?);
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = schemas::all().iter().map(|(name, _)| *name).collect();
    let nearest = names
        .iter()
        .min_by_key(|other| strsim::levenshtein(name, other));
    let nearest = nearest.map_or("", |nearest| nearest);
    format!(
        "no document is called `{name}` (did you mean `{nearest}`? there are {})",
        names.join(", ")
    )
}
