//! `/docs`: the OpenAPI document for people, drawn by a page that needs no network.

use std::sync::LazyLock;

use axum::http::HeaderMap;

use super::error::Answer;
use super::files::{File, answer, files, packed};
use super::query::At;

const FILES: &[(&str, &[u8])] = &files!("docs"; "index.html", "docs.js", "docs.css");

static PACKED: LazyLock<Vec<(&str, File)>> = LazyLock::new(|| packed(FILES));

/// `/docs`.
pub(super) async fn page(headers: HeaderMap) -> Answer {
    answer(&PACKED, "index.html", &headers)
}

/// A file of it.
pub(super) async fn file(At(name): At<String>, headers: HeaderMap) -> Answer {
    answer(&PACKED, &name, &headers)
}
