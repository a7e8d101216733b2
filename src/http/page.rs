//! The dashboard: the files of `page/`, and the library its charts are drawn with.

use std::sync::LazyLock;

use axum::http::HeaderMap;

use super::error::Answer;
use super::files::{File, answer, files, first_script, packed};
use super::query::At;

/// Every file of the page; a new one is a name here.
const FILES: &[(&str, &[u8])] = &files!(
    "page";
    "api.js",
    "app.js",
    "book.js",
    "chain.js",
    "charts.css",
    "charts.js",
    "columns.js",
    "correlation.js",
    "dom.js",
    "empty.js",
    "exposure.js",
    "flow.js",
    "format.js",
    "icon.svg",
    "index.html",
    "jobs.js",
    "overview.js",
    "panels.js",
    "reference.js",
    "sectors.js",
    "skew.js",
    "smile.js",
    "store.js",
    "stream.js",
    "style.css",
    "surface.js",
    "symbol.js",
    "table.js",
    "totals.js"
);

static PACKED: LazyLock<Vec<(&str, File)>> = LazyLock::new(|| packed(FILES));

/// The charts' library: some megabytes, packed when it is first asked for.
static CHARTS: LazyLock<File> = LazyLock::new(|| {
    let page = plotly::Plot::offline_js_sources();
    let script = first_script(&page).unwrap_or_default();
    File::new(CHARTS_NAME, script.as_bytes())
});

const CHARTS_NAME: &str = "plotly.js";

/// `/`.
pub(super) async fn index(headers: HeaderMap) -> Answer {
    answer(&PACKED, "index.html", &headers)
}

/// A file of the page.
pub(super) async fn file(At(name): At<String>, headers: HeaderMap) -> Answer {
    if name == CHARTS_NAME {
        // Packing takes a while the first time; the runtime's threads are not to wait for it.
        let packed = tokio::task::spawn_blocking(|| LazyLock::force(&CHARTS)).await;
        if let Ok(file) = packed {
            return Ok(file.answer(&headers, "no-cache"));
        }
    }
    answer(&PACKED, &name, &headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charts_library_is_one_whole_script() {
        let page = plotly::Plot::offline_js_sources();
        let script = first_script(&page).unwrap();
        assert!(script.len() > 1_000_000);
        assert!(script.contains("plotly.js v"));
        assert!(!script.contains("MathJax.loader"));
    }
}
