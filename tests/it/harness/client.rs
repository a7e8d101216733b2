//! An HTTP/1.1 client that says what it is told to, also what no good client says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// Longer than any answer of ours may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Status and the code of the error.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String) {
        (
            self.status,
            self.json()["code"].as_str().unwrap_or("-").to_owned(),
        )
    }
}

/// Sends a request with these headers and reads the answer.
#[track_caller]
pub(crate) fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> Answered {
    let host = match headers.to_lowercase().contains("host:") {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    let length = match body.is_empty() && method == "GET" {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}{length}Connection: close\r\n\r\n{body}"
    );
    raw(address, request.as_bytes()).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// Sends bytes and reads an answer.
pub(crate) fn raw(address: &str, request: &[u8]) -> io::Result<Answered> {
    let mut stream = connect(address)?;
    // A server may answer before it has read everything.
    let _ = stream.write_all(request);
    answer(&mut BufReader::new(stream))
}

/// A connection that is not waited for longer than any answer may take.
pub(crate) fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads an answer whose body has a length or ends with the connection.
pub(crate) fn answer(reader: &mut impl BufRead) -> io::Result<Answered> {
    let (status, headers) = head(reader)?;
    let mut answered = Answered {
        status,
        headers,
        body: Vec::new(),
    };
    if matches!(status, 101 | 304) {
        return Ok(answered);
    }
    let length = answered
        .header("content-length")
        .and_then(|length| length.parse().ok());
    match length {
        Some(length) => {
            answered.body = vec![0; length];
            reader.read_exact(&mut answered.body)?;
        }
        None if answered.header("transfer-encoding").is_some() => loop {
            let size = line(reader)?;
            let size = usize::from_str_radix(&size, 16).unwrap_or(0);
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            if size == 0 {
                break;
            }
            answered.body.extend_from_slice(&chunk[..size]);
        },
        None => drop(reader.read_to_end(&mut answered.body)?),
    }
    Ok(answered)
}

fn head(reader: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let first = line(reader)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.split_once(':') else {
            return Ok((status, headers));
        };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match reader.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

/// A stream of events under way.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    text: String,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    /// Asks for a stream with these headers.
    #[track_caller]
    pub(crate) fn open(address: &str, path: &str, headers: &str) -> Self {
        let mut stream = connect(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, _) = head(&mut reader).unwrap();
        assert_eq!(status, 200, "{path}");
        Self {
            reader,
            text: String::new(),
        }
    }

    /// The next event; `None` where the stream ended.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = parsed(event);
                self.text = rest.to_owned();
                return Some(event);
            }
            let size = line(&mut self.reader).ok()?;
            let size = usize::from_str_radix(&size, 16).unwrap();
            let mut chunk = vec![0; size + 2];
            self.reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                return None;
            }
            self.text += std::str::from_utf8(&chunk[..size]).unwrap();
        }
    }

    /// Events up to one of this name, that one too.
    #[track_caller]
    pub(crate) fn until(&mut self, name: &str) -> Vec<Event> {
        let mut events = Vec::new();
        while events.last().is_none_or(|event: &Event| event.name != name) {
            events.push(
                self.next()
                    .unwrap_or_else(|| panic!("the stream ended before {name}")),
            );
        }
        events
    }
}

fn parsed(text: &str) -> Event {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    Event {
        id: field("id"),
        name: field("event").unwrap_or_default(),
        data: serde_json::from_str(&field("data").unwrap_or_default()).unwrap_or_default(),
    }
}
