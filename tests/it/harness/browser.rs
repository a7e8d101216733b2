//! The script that drives a headless Chromium, as a child.

use super::child;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};

/// The script under way; it is killed when this is dropped.
pub(crate) struct Browser(Child);

impl Browser {
    /// Starts a phase of the script on a page, with a folder for pictures.
    #[track_caller]
    pub(crate) fn start(phase: &[&str], base: &str, shots: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/dashboard.mjs");
        let mut command = child::command("node");
        command.arg(script).args(phase).arg(base).arg(shots);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = child::spawn(command);
        Self(child.unwrap_or_else(|error| panic!("cannot start node: {error} (run scripts/test)")))
    }

    /// What it says, once.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("it is read once")
    }

    /// Its end, and what it said that was not read yet.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        if let Some(mut stdout) = self.0.stdout.take() {
            use std::io::Read;
            stdout.read_to_string(&mut said).expect("it speaks UTF-8");
        }
        (
            self.0.wait().expect("our own child can be waited for"),
            said,
        )
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where pictures go: beside the build, to be looked at.
pub(crate) fn shots(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("dashboard")
        .join(name);
    std::fs::create_dir_all(&folder).expect("the build's folder is writable");
    folder
}
