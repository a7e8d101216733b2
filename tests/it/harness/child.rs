//! Child processes that do not outlive the test process, even when that is killed with SIGKILL.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

/// A command that the kernel kills when the test process goes (Linux with util-linux); elsewhere a plain one,
/// whose handle kills it on drop.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
        let probe = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "true"])
            .stderr(Stdio::null())
            .status();
        probe.is_ok_and(|status| status.success())
    });
    if !*SETPRIV {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    // setpriv execs, so the child's process id is the program's own.
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// Starts the command from a thread that lives as long as the process: the death signal follows the *thread* that
/// started the child, and a test's thread ends before a handle it may have passed on.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    type Request = (Command, Sender<io::Result<Child>>);
    static SPAWNER: LazyLock<Sender<Request>> = LazyLock::new(|| {
        let (requests, inbox) = channel::<Request>();
        std::thread::spawn(move || {
            for (mut command, answer) in inbox {
                // A test that no longer waits for its child is gone, and its child must go too.
                if let Err(unwanted) = answer.send(command.spawn())
                    && let Ok(mut child) = unwanted.0
                {
                    child.kill().ok();
                    child.wait().ok();
                }
            }
        });
        requests
    });
    let (answer, started) = channel();
    SPAWNER
        .send((command, answer))
        .expect("the spawner thread never ends");
    started.recv().expect("the spawner answers each request")
}

/// Sends a signal by name (`TERM`, `STOP`, `CONT`); the shell's own `kill` is on every machine and needs no `unsafe`.
#[track_caller]
pub(super) fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("sh")
        .args(["-c", r#"kill -s "$0" "$1""#, name, &pid])
        .status()
        .expect("sh runs");
    assert!(status.success(), "cannot send SIG{name} to process {pid}");
}
