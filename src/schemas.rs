//! The schemas of everything that is published, as files under `schema/`.

use quant::{calculators, document};
use serde_json::Value;

use crate::chain_service::CARDS;
use crate::engine::heartbeat::Heartbeat;

/// What the heartbeat is.
pub const HEARTBEAT_ABOUT: &str = "Heartbeat: that the engine runs, and how.";

/// The schema of `heartbeat:analytics`.
pub fn heartbeat() -> Value {
    let mut schema = schemars::schema_for!(Heartbeat).to_value();
    schema["title"] = "heartbeat".into();
    schema["description"] = HEARTBEAT_ABOUT.into();
    schema
}

/// Every schema with the name of its document.
pub fn all() -> Vec<(&'static str, Value)> {
    let mut schemas: Vec<_> = calculators::all()
        .map(|card| (card.name, document::schema(card)))
        .collect();
    schemas.push(("heartbeat", heartbeat()));
    schemas.extend(CARDS.iter().map(|card| (card.name, card.schema())));
    schemas
}
