//! A redis-server for one test, on a unix socket in a folder of its own, that can be killed, emptied and frozen.

use super::resp::{Connection, Reply};
use super::{SOON, child, until};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The server; it is killed when this is dropped.
pub(crate) struct RedisServer {
    folder: TempDir,
    config: Option<PathBuf>,
    args: Vec<String>,
    child: Child,
}

impl RedisServer {
    /// An empty server that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments, such as `["--maxmemory", "2mb"]`; they win over the harness's own.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::launch(None, args)
    }

    /// A server on a configuration file; where it listens and writes stays the harness's choice.
    pub(crate) fn start_from(config: &Path, args: &[&str]) -> Self {
        Self::launch(Some(config.to_owned()), args)
    }

    /// Where our binary finds it: the value of `redis.url`.
    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// The socket it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    /// A connection that gives up after ten seconds.
    #[track_caller]
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(&self.socket(), SOON)
            .unwrap_or_else(|error| panic!("cannot connect to redis: {error}"))
    }

    /// One command on a connection of its own; the test fails when there is no reply.
    #[track_caller]
    pub(crate) fn command<A: AsRef<[u8]>>(&self, args: &[A]) -> Reply {
        self.try_command(args, SOON)
            .unwrap_or_else(|error| panic!("no reply from redis: {error}"))
    }

    /// One command on a connection of its own, for a server that may be gone or frozen.
    pub(crate) fn try_command<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        patience: Duration,
    ) -> io::Result<Reply> {
        Connection::open(&self.socket(), patience)?.command(args)
    }

    /// The reply as text, as `redis-cli` prints it when piped; the test fails on an error reply.
    #[track_caller]
    pub(crate) fn cli(&self, args: &[&str]) -> String {
        match self.command(args) {
            Reply::Error(error) => panic!("redis refuses {args:?}: {error}"),
            reply => reply.to_text(),
        }
    }

    /// SIGKILL, as a crash or the out-of-memory killer would. Does nothing to a dead one.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }

    /// A new server on the same socket: empty, unless its arguments say that it persists.
    pub(crate) fn restart(&mut self) {
        self.kill();
        // The dead server's socket file is in the way of nothing, but would look like a live one.
        std::fs::remove_file(self.socket()).ok();
        self.child = spawn(self.folder.path(), self.config.as_deref(), &self.args);
        self.wait_until_it_answers();
    }

    /// SIGSTOP: connections stay open, nothing answers.
    #[track_caller]
    pub(crate) fn pause(&self) {
        child::signal(&self.child, "STOP");
    }

    /// SIGCONT: it answers again, the commands that queued up first.
    #[track_caller]
    pub(crate) fn resume(&self) {
        child::signal(&self.child, "CONT");
    }

    fn launch(config: Option<PathBuf>, args: &[&str]) -> Self {
        // /tmp and not TMPDIR: the path of a socket must stay under 104 bytes.
        let folder = tempfile::Builder::new()
            .prefix("analytics-redis-")
            .tempdir_in("/tmp")
            .expect("/tmp is writable");
        let args = args.iter().map(ToString::to_string).collect::<Vec<_>>();
        let child = spawn(folder.path(), config.as_deref(), &args);
        let mut server = Self {
            folder,
            config,
            args,
            child,
        };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&mut self) {
        let socket = self.socket();
        until("redis-server answers", SOON, || {
            if let Some(status) = self.child.try_wait().expect("our own child can be asked") {
                let log = std::fs::read_to_string(self.folder.path().join("redis.log"))
                    .unwrap_or_default();
                panic!("redis-server ended with {status}:\n{log}");
            }
            match Connection::open(&socket, SOON)
                .and_then(|mut connection| connection.command(&["PING"]))
            {
                Ok(Reply::Error(error)) if error.starts_with("LOADING") => None,
                Ok(_) => Some(()), // also NOAUTH: a server that wants a password is up
                Err(_) => None,
            }
        });
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(folder: &Path, config: Option<&Path>, args: &[String]) -> Child {
    let mut command = child::command("redis-server");
    command.args(config); // must come first
    command.args([
        "--port",
        "0",
        "--save",
        "",
        "--appendonly",
        "no",
        "--daemonize",
        "no",
    ]);
    command.arg("--unixsocket").arg(folder.join("redis.sock"));
    command
        .arg("--dir")
        .arg(folder)
        .arg("--logfile")
        .arg(folder.join("redis.log"));
    command
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    child::spawn(command).expect("redis-server is installed (scripts/test installs it)")
}
