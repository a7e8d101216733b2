//! `redis.url_file`: a file whose first line is the URL of the store, for URLs with a password.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::problem::{Origin, Problem};

/// Puts the first line of `redis.url_file` in the place of `redis.url`, unless a higher layer
/// names a URL.
pub(super) fn read(
    merged: &mut Value,
    origins: &mut BTreeMap<String, Origin>,
) -> Result<(), Problem> {
    let rank = |key: &str| origins.get(key).map_or(0, Origin::rank);
    let file = merged["redis"]["url_file"].as_str().map(PathBuf::from);
    let Some(path) = file.filter(|_| rank("redis.url_file") >= rank("redis.url")) else {
        return Ok(());
    };
    // Most likely the URL itself, which must not be repeated; validation says so.
    if path.as_os_str().is_empty() || path.to_string_lossy().contains("://") {
        return Ok(());
    }
    let problem = |what: String| {
        let key = "redis.url_file".to_owned();
        let origin = origins.get(&key).cloned().unwrap_or(Origin::Default);
        Problem { origin, key, what }
    };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| problem(format!("cannot read {}: {error}", path.display())))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(problem(format!(
            "the first line of {} must be the URL (is empty)",
            path.display()
        )));
    }
    merged["redis"]["url"] = line.into();
    origins.insert("redis.url".to_owned(), Origin::File { path, line: 1 });
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{SECRET, check_set, config, load_all};

    #[test]
    fn the_url_is_the_first_line_of_its_file_unless_a_higher_layer_names_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, format!("{SECRET}\n# the rest is not read\n")).unwrap();
        let file = format!("redis.url = \"memory:\"\nredis.url_file = {path:?}");
        let loaded = load_all(&file, &[], &[]).unwrap();
        assert_eq!(loaded.config.redis.url.reveal(), SECRET);
        assert_eq!(
            loaded.origins["redis.url"].to_string(),
            format!("{}:1", path.display())
        );
        assert!(!format!("{loaded:?}").contains("hunter2"));
        let over = config(&file, &[("REDIS_URL", "redis://b:2")], &[]);
        assert_eq!(over.redis.url.reveal(), "redis://b:2");

        std::fs::write(&path, "hunter2\n").unwrap();
        let error = load_all(&file, &[], &[]).unwrap_err();
        assert!(
            error.starts_with(&format!(
                "{}:1 redis.url: must be redis://…",
                path.display()
            )),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
        std::fs::write(&path, "").unwrap();
        let error = load_all(&file, &[], &[]).unwrap_err();
        assert!(error.ends_with("must be the URL (is empty)"), "{error}");
        check_set(
            "redis.url_file=/nowhere/url",
            "--set redis.url_file: cannot read /nowhere/url: No such file or directory (os error 2)",
        );
    }
}
