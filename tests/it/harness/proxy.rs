//! A TCP door in front of a server on a unix socket, that can be slow, cut replies and reset.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What it does to what passes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Ends every connection after some bytes of a reply.
    CutReply,
    /// Lets one byte of a reply pass a millisecond.
    SlowReply,
    /// Resets every connection that asks something.
    Reset,
}

/// The door; it is open until the test process ends.
pub(crate) struct Proxy {
    address: String,
    fault: Arc<AtomicU8>,
}

impl Proxy {
    /// A door to the server on this socket, with no fault yet.
    pub(crate) fn start(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound listener has one");
        let fault = Arc::new(AtomicU8::new(Fault::None as u8));
        let (socket, shared) = (PathBuf::from(socket), Arc::clone(&fault));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                pass(client, &socket, &shared);
            }
        });
        Self {
            address: address.to_string(),
            fault,
        }
    }

    /// Where our binary finds it: the value of `redis.url`.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// From the next bytes on.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

/// Starts the two directions of a connection.
fn pass(client: TcpStream, socket: &Path, fault: &Arc<AtomicU8>) {
    let Ok(server) = UnixStream::connect(socket) else {
        return;
    };
    let (Ok(client_reader), Ok(server_writer)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let asked = Arc::clone(fault);
    std::thread::spawn(move || requests(client_reader, server_writer, &asked));
    let answered = Arc::clone(fault);
    std::thread::spawn(move || replies(server, client, &answered));
}

fn requests(mut client: TcpStream, mut server: UnixStream, fault: &AtomicU8) {
    let mut chunk = [0; 8192];
    loop {
        let waiting = client.peek(&mut chunk[..1]);
        if fault.load(Ordering::SeqCst) == Fault::Reset as u8 {
            // Closing with bytes unread makes the kernel send a reset.
            break;
        }
        let Ok(1..) = waiting else { break };
        let Ok(read @ 1..) = client.read(&mut chunk) else {
            break;
        };
        if server.write_all(&chunk[..read]).is_err() {
            break;
        }
    }
    server.shutdown(Shutdown::Both).ok();
}

fn replies(mut server: UnixStream, mut client: TcpStream, fault: &AtomicU8) {
    let mut chunk = [0; 8192];
    while let Ok(read @ 1..) = server.read(&mut chunk) {
        let kind = fault.load(Ordering::SeqCst);
        let passed = if kind == Fault::CutReply as u8 {
            client.write_all(&chunk[..read / 2]).ok();
            break;
        } else if kind == Fault::SlowReply as u8 {
            slowly(&mut client, &chunk[..read], fault)
        } else {
            client.write_all(&chunk[..read])
        };
        if passed.is_err() {
            break;
        }
    }
    server.shutdown(Shutdown::Both).ok();
    // A reset is the kernel's to send: a farewell would come before it.
    if fault.load(Ordering::SeqCst) != Fault::Reset as u8 {
        client.shutdown(Shutdown::Both).ok();
    }
}

fn slowly(client: &mut TcpStream, bytes: &[u8], fault: &AtomicU8) -> std::io::Result<()> {
    for at in 0..bytes.len() {
        if fault.load(Ordering::SeqCst) != Fault::SlowReply as u8 {
            return client.write_all(&bytes[at..]);
        }
        client.write_all(&bytes[at..=at])?;
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(())
}
