//! Importers: public data formats into event recordings. Each kind is one file here, one line in
//! [`KINDS`] and one subcommand of `analytics import`.

pub mod bars_csv;
pub mod binance;
pub mod broker_json;
pub mod cboe_json;
pub mod cboe_quotedata;
mod chain;
pub mod jsonl;
pub mod lean_chain;
pub mod lean_ticks;
pub mod lobster;
pub mod nse_json;
mod sink;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recording::RecordingError;
pub use crate::vendor_chain::instant::parse_rfc3339;
pub use sink::Sink;

/// Every kind there is, in the order help lists them.
pub const KINDS: &[&str] = &[
    "lobster",
    "binance",
    "jsonl",
    "cboe-quotedata",
    "cboe-json",
    "lean-chain",
    "lean-ticks",
    "nse-json",
    "broker-json",
    "bars-csv",
];

/// What an import read, kept and dropped: one line of JSON on standard output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The importer.
    pub kind: String,
    /// The symbols of the recording, sorted.
    pub symbols: Vec<String>,
    /// Rows read, by what they are.
    pub read: BTreeMap<String, u64>,
    /// Records written.
    pub kept: u64,
    /// Rows not used, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// What was odd about rows that were used, and how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<String, u64>,
    /// Records whose source time was before the one ahead of them; they were sorted into place.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_order: u64,
    /// Columns that were not read, as the source names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored_columns: Vec<String>,
    /// Fields the engine would use and the source does not have.
    pub unfilled: Vec<String>,
    /// The earliest record, RFC 3339; absent without records.
    pub first: Option<String>,
    /// The latest record, RFC 3339.
    pub last: Option<String>,
    /// The recording.
    pub out: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Why an import made no recording.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// An input cannot be read or is too large; the error names it.
    #[error(transparent)]
    Input(#[from] std::io::Error),
    /// An input is not in the format.
    #[error("{0}")]
    Format(String),
    /// The recording cannot be written.
    #[error(transparent)]
    Output(#[from] RecordingError),
}

/// The error for a kind that is not in [`KINDS`]: names the closest and lists all.
pub fn unknown_kind(kind: &str) -> String {
    let kind: String = kind.chars().take(40).collect();
    // Above 0.7 are misspellings; below, a suggestion is a guess.
    let closest = KINDS
        .iter()
        .map(|known| (strsim::jaro_winkler(&kind, known), known))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint = closest.map_or(String::new(), |(_, known)| {
        format!(", did you mean `{known}`?")
    });
    format!(
        "import: no kind `{}`{hint} (kinds: {})",
        kind.escape_default(),
        KINDS.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_kind_names_the_closest_and_lists_all() {
        assert_eq!(
            unknown_kind("lobstr"),
            format!(
                "import: no kind `lobstr`, did you mean `lobster`? (kinds: {})",
                KINDS.join(", ")
            )
        );
        assert!(unknown_kind("jsnl").contains("did you mean `jsonl`?"));
        assert_eq!(
            unknown_kind("x"),
            "import: no kind `x` (kinds: lobster, binance, jsonl, cboe-quotedata, cboe-json, \
             lean-chain, lean-ticks, nse-json, broker-json, bars-csv)"
        );
    }
}
