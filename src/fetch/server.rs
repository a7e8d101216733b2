//! A web server for tests: each connection gets the next answer of its script, and the last one
//! again and again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What one connection gets.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// These bytes, and the end.
    Say(String),
    /// The same of what is no text.
    SayBytes(Vec<u8>),
    /// Nothing.
    Silence,
    /// The head of a good answer, and then a byte from time to time.
    Drip,
    /// A good answer without a stated length that does not end.
    Flood,
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A 200 with a body.
pub(crate) fn good(body: &str) -> Script {
    with("200 OK", "", body)
}

/// An answer with a status line, more headers (each ending with `\r\n`) and a body.
pub(crate) fn with(status: &str, headers: &str, body: &str) -> Script {
    let length = body.len();
    Script::Say(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

impl Server {
    pub(crate) async fn start(scripts: &[Script]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/VIX1D", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (scripts, seen) = (scripts.to_vec(), requests.clone());
        tokio::spawn(async move {
            for at in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let script = scripts[at.min(scripts.len() - 1)].clone();
                tokio::spawn(answer(stream, script, seen.clone()));
            }
        });
        Self { url, requests }
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, script: Script, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8(head).unwrap().to_lowercase();
    seen.lock().unwrap().push(text);
    // Whoever hangs up early has seen enough.
    let _ = match script {
        Script::Say(bytes) => stream.write_all(bytes.as_bytes()).await,
        Script::SayBytes(bytes) => stream.write_all(&bytes).await,
        Script::Silence => std::future::pending().await,
        Script::Drip => repeat(stream, "x", Duration::from_millis(20)).await,
        Script::Flood => repeat(stream, &"x".repeat(4096), Duration::ZERO).await,
    };
}

async fn repeat(mut stream: TcpStream, piece: &str, pause: Duration) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    loop {
        stream.write_all(piece.as_bytes()).await?;
        tokio::time::sleep(pause).await;
    }
}
