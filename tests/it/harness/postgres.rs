//! A server of PostgreSQL for the tests, on a unix socket in a folder of its own, that can be killed.

use super::{SOON, child, until};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Weak};
use std::time::Duration;
use tempfile::TempDir;

/// The server; it is killed when this is dropped.
pub(crate) struct PostgresServer {
    folder: TempDir,
    child: Child,
}

/// A database of its own on a server that other tests use, too.
pub(crate) struct PostgresDatabase {
    server: Arc<PostgresServer>,
    name: String,
}

impl PostgresDatabase {
    /// An empty one. The first starts the server, and the last ends it.
    pub(crate) fn new() -> Self {
        static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mut shared = SHARED.lock().unwrap_or_else(|broken| broken.into_inner());
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(PostgresServer::start());
            *shared = Arc::downgrade(&server);
            server
        });
        let name = format!("history_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        server.psql("postgres", &format!("CREATE DATABASE {name}"));
        Self { server, name }
    }

    /// Where our binary finds it: the value of `history.url`.
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// What `psql` answers, without headers.
    #[track_caller]
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }
}

impl PostgresServer {
    /// An empty server.
    pub(crate) fn start() -> Self {
        // /tmp and not TMPDIR: the path of a socket must stay under 104 bytes.
        let folder = tempfile::Builder::new()
            .prefix("analytics-postgres-")
            .tempdir_in("/tmp")
            .expect("/tmp is writable");
        if let Some(user) = &*USER {
            let owner = format!("{user}:");
            let mut chown = Command::new("chown");
            chown.arg(owner).arg(folder.path());
            finish(chown);
        }
        let mut initdb = command("initdb");
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
        initdb.args(options).arg("--locale=C").arg("-D");
        initdb.arg(folder.path().join("data"));
        finish(initdb);
        let child = spawn(folder.path());
        let mut server = Self { folder, child };
        server.wait_until_it_answers();
        server
    }

    /// Where a database of it is found.
    pub(crate) fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@localhost/{database}?host={folder}")
    }

    /// What `psql` answers, without headers.
    #[track_caller]
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql.args(["-U", "postgres", "-d", database, "-c", sql, "-h"]);
        finish_with_text(psql.arg(self.folder.path()))
    }

    /// The same, for a server that may be starting.
    pub(crate) fn try_psql(&self, database: &str, sql: &str) -> Option<String> {
        let mut psql = command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-U", "postgres", "-d", database]);
        psql.args(["-c", sql, "-h"]).arg(self.folder.path());
        let output = psql.output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    /// SIGKILL to the server; its children notice and go, as after a crash.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("our own child can be killed");
        self.child.wait().expect("our own child can be waited for");
    }

    /// SIGKILL to the process that serves a connection: the server then restarts all of them.
    pub(crate) fn kill_backend(&self, database: &str) {
        let pid = self.psql(
            "postgres",
            &format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}' LIMIT 1"),
        );
        if !pid.is_empty() {
            let mut kill = Command::new("sh");
            kill.args(["-c", r#"kill -s KILL "$0" 2>/dev/null || true"#, &pid]);
            finish(kill);
        }
    }

    /// The same data again; what a killed one left is cleared away first.
    pub(crate) fn start_again(&mut self) {
        // A server refuses to begin while children of the dead one hold its memory.
        until("the server is back", Duration::from_secs(30), || {
            self.child = spawn(self.folder.path());
            self.answers_or_ends().then_some(())
        });
    }

    fn answers_or_ends(&mut self) -> bool {
        until("the server answers or ends", SOON, || {
            let ended = self.child.try_wait().expect("our own child can be asked");
            match ended {
                Some(_) => Some(false),
                None => self.is_ready().then_some(true),
            }
        })
    }

    fn is_ready(&self) -> bool {
        self.try_psql("postgres", "SELECT 1").is_some()
    }

    fn wait_until_it_answers(&mut self) {
        if !self.answers_or_ends() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            panic!("postgres ended:\n{}", log.unwrap_or_default());
        }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // At once, but with its children; without a wait for what they write.
        child::signal(&self.child, "QUIT");
        self.child.wait().ok();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("the folder is writable");
    let mut postgres = command("postgres");
    postgres.arg("-D").arg(folder.join("data"));
    postgres.arg("-k").arg(folder).args(["-h", ""]);
    postgres.args(["-c", "max_connections=200"]);
    postgres.stdout(Stdio::null()).stderr(log);
    child::spawn(postgres).expect("postgres starts")
}

/// A program of the server, as a user that may run it: it refuses to run as root.
fn command(name: &str) -> Command {
    let program = program(name);
    let Some(user) = &*USER else {
        return child::command(program);
    };
    let mut command = Command::new("setpriv");
    let group = text(Command::new("id").args(["-g", user]));
    command.args(["--reuid", user, "--regid", group.trim(), "--clear-groups"]);
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command.current_dir("/");
    command
}

/// Whom root becomes.
static USER: LazyLock<Option<String>> = LazyLock::new(|| {
    let is_root = text(Command::new("id").arg("-u")).trim() == "0";
    let users = ["postgres", "nobody"].map(str::to_owned).into_iter();
    let mut users = users.filter(|user| {
        let id = Command::new("id").arg(user).output();
        id.is_ok_and(|id| id.status.success())
    });
    is_root.then(|| users.next().expect("there is a user `nobody`"))
});

/// Where it stands: Debian keeps the programs of a server off the PATH.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for versions in [
        "/usr/lib/postgresql",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/usr",
    ] {
        let entries = std::fs::read_dir(versions).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
        found.sort();
        folders.extend(found.into_iter().rev());
    }
    let mut programs = folders.iter().map(|folder| folder.join(name));
    programs
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("no {name}: install PostgreSQL (package `postgresql`)"))
}

#[track_caller]
fn finish(mut command: Command) {
    finish_with_text(&mut command);
}

#[track_caller]
fn finish_with_text(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn text(command: &mut Command) -> String {
    let output = command.output().expect("`id` is on every machine");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
