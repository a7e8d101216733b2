//! The folder of shared data (`cases`, `data`) beside the checkout, and what a test does without it.

use std::path::{Path, PathBuf};

/// What a test that needs the shared data shall do.
#[derive(Debug, PartialEq)]
pub(crate) enum Shared {
    Here(PathBuf),
    Skip,
    Missing,
}

/// The folder, where there is one: `ANALYTICS_SHARED`, else `../shared` beside the checkout.
pub(crate) fn shared() -> Option<PathBuf> {
    match find_shared(
        std::env::var_os("ANALYTICS_SHARED").map(PathBuf::from),
        false,
    ) {
        Shared::Here(folder) => Some(folder),
        Shared::Skip | Shared::Missing => None,
    }
}

/// The folder; without it the test is skipped and says so (`scripts/test` counts these lines),
/// or fails where `ANALYTICS_REQUIRE_SHARED=1`. Used through `require_shared!()`.
#[track_caller]
pub(crate) fn shared_or_skip() -> Option<PathBuf> {
    let required = std::env::var("ANALYTICS_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    match find_shared(
        std::env::var_os("ANALYTICS_SHARED").map(PathBuf::from),
        required,
    ) {
        Shared::Here(folder) => Some(folder),
        Shared::Missing => panic!(
            "no shared data, and ANALYTICS_REQUIRE_SHARED=1 (set ANALYTICS_SHARED to the folder)"
        ),
        Shared::Skip => {
            println!("skipped: no shared data");
            None
        }
    }
}

/// The rule: a folder that is named wins, one that is not there is a skip, or a failure where it is required.
pub(crate) fn find_shared(named: Option<PathBuf>, required: bool) -> Shared {
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    match folder.canonicalize() {
        Ok(folder) if folder.is_dir() => Shared::Here(folder),
        _ if required => Shared::Missing,
        _ => Shared::Skip,
    }
}
