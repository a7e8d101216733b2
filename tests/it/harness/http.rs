//! A minimal blocking HTTP/1.1 GET.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any answer of ours may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fetches a path (with its query) and returns status and body.
pub(crate) fn get(address: &str, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // One write: a server may answer and hang up before a second one.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);

    let status_line = line(&mut reader)?;
    let status = status_line
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| bad(&status_line))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        let header = line(&mut reader)?.to_ascii_lowercase();
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match (name, value.trim()) {
            ("content-length", value) => length = Some(value.parse().map_err(|_| bad(&header))?),
            ("transfer-encoding", value) => chunked = value.contains("chunked"),
            _ => {}
        }
    }
    let body = match length {
        Some(length) => take(&mut reader, length)?,
        None if chunked => chunks(&mut reader)?,
        None => {
            let mut body = Vec::new();
            reader.read_to_end(&mut body)?;
            body
        }
    };
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size_line = line(reader)?;
        let digits = size_line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| bad(&size_line))?;
        if size == 0 {
            return Ok(body);
        }
        body.extend(take(reader, size)?);
        line(reader)?;
    }
}

fn take(reader: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(Error::new(
            ErrorKind::UnexpectedEof,
            "the server closed the connection",
        ));
    }
    Ok(line.trim_end().into())
}

fn bad(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not HTTP/1.1: {line:?}"))
}
