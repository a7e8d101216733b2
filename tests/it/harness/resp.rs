//! A small blocking Redis client over a unix socket: enough to seed keys and look at results without
//! trusting the client library under test.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What Redis answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Bulk(Option<Vec<u8>>),
    Int(i64),
    Simple(String),
    Error(String),
    Array(Vec<Reply>),
}

impl Reply {
    /// A bulk reply of this text.
    pub(crate) fn bulk(text: &str) -> Self {
        Self::Bulk(Some(text.into()))
    }

    /// For people and for simple comparisons: an array is one element a line, nothing is `(nil)`.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Bulk(None) => "(nil)".into(),
            Self::Bulk(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Int(number) => number.to_string(),
            Self::Simple(text) | Self::Error(text) => text.clone(),
            Self::Array(items) => items
                .iter()
                .map(Self::to_text)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}

/// One connection, for what lives on it: `AUTH`, `SUBSCRIBE`, `MULTI`.
pub(crate) struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    /// `patience` bounds each read and write.
    pub(crate) fn open(socket: &Path, patience: Duration) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends one command and reads its reply.
    pub(crate) fn command<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.stream.get_mut().write_all(&encoded(args))?;
        self.read()
    }

    /// Sends many commands before it reads their replies.
    pub(crate) fn pipeline<A: AsRef<[u8]>>(&mut self, all: &[Vec<A>]) -> io::Result<Vec<Reply>> {
        let request: Vec<u8> = all.iter().flat_map(|args| encoded(args)).collect();
        self.stream.get_mut().write_all(&request)?;
        all.iter().map(|_| self.read()).collect()
    }

    /// Reads one reply, such as a message of a subscribed channel.
    pub(crate) fn read(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let Some(line) = line.strip_suffix("\r\n") else {
            return Err(Error::new(
                ErrorKind::UnexpectedEof,
                "redis closed the connection",
            ));
        };
        let (kind, rest) = line.split_at(line.len().min(1));
        let number = || {
            rest.parse::<i64>()
                .map_err(|_| Error::new(ErrorKind::InvalidData, format!("reply {line:?}")))
        };
        match kind {
            "+" => Ok(Reply::Simple(rest.into())),
            "-" => Ok(Reply::Error(rest.into())),
            ":" => Ok(Reply::Int(number()?)),
            "$" | "*" if rest == "-1" => Ok(Reply::Bulk(None)),
            "$" => {
                let mut bytes = vec![0; number()? as usize + 2];
                self.stream.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Ok(Reply::Bulk(Some(bytes)))
            }
            "*" => (0..number()?)
                .map(|_| self.read())
                .collect::<io::Result<_>>()
                .map(Reply::Array),
            _ => Err(Error::new(
                ErrorKind::InvalidData,
                format!("reply {line:?}"),
            )),
        }
    }
}

fn encoded<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        request.extend_from_slice(arg);
        request.extend_from_slice(b"\r\n");
    }
    request
}
