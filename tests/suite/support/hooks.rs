//! A small web server that keeps the requests it is sent and answers as the test says, plain or by TLS (as `localhost`,
//! for those who trust [`super::smtp::authority`]).

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use windlass::threads::{Stop, spawn};

use super::smtp::wire::Wire;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its target.
    pub path: String,
    /// Its headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

impl Request {
    /// The value of a header (its name in lower case); empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What the server does.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    /// Answers with this status line, these header lines and this body.
    Say(&'static str, &'static [&'static str], &'static str),
    /// Never answers.
    Hang,
    /// Goes away.
    Leave,
}

/// A web server on a free port of this host; it ends on drop.
pub struct Hooks {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    stop: Stop,
    encrypted: bool,
    /// Answers a request, which is the n-th for its path, from 1.
    answer: fn(&Request, usize) -> Reply,
    seen: Mutex<(Vec<Request>, usize)>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, (Vec<Request>, usize)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hooks {
    /// A plain server.
    pub fn start(answer: fn(&Request, usize) -> Reply) -> Self {
        Self::launch(answer, false)
    }

    /// A server of https.
    pub fn start_encrypted(answer: fn(&Request, usize) -> Reply) -> Self {
        Self::launch(answer, true)
    }

    fn launch(answer: fn(&Request, usize) -> Reply, encrypted: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("a bound socket");
        let shared = Arc::new(Shared {
            stop: Stop::new(),
            encrypted,
            answer,
            seen: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = spawn("hooks server", move || accept(&listener, &accepting));
        Self {
            addr,
            shared,
            acceptor: Some(acceptor.expect("room for one more thread")),
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// All requests so far for this path.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        let seen = self.shared.seen();
        let here = seen.0.iter().filter(|request| request.path == path);
        here.cloned().collect()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.seen().1
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.shared.stop.stop();
        // Wakes the acceptor; if it cannot be reached, it has ended.
        TcpStream::connect(self.addr).ok();
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the server does not panic");
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut sessions: Vec<JoinHandle<()>> = Vec::new();
    for socket in listener.incoming() {
        if shared.stop.is_stopped() {
            break;
        }
        let Ok(socket) = socket else { continue };
        shared.seen().1 += 1;
        let shared = Arc::clone(shared);
        let session = spawn("hooks session", move || {
            // A client that goes away in the middle is what some tests are about.
            converse(socket, &shared).ok();
        });
        sessions.push(session.expect("room for one more thread"));
    }
    for session in sessions {
        session.join().expect("a session does not panic");
    }
}

fn converse(socket: TcpStream, shared: &Shared) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    socket.set_nodelay(true)?;
    let mut wire = Wire::plain(socket, shared.stop.clone());
    if shared.encrypted {
        wire = wire.encrypted();
    }
    let mut wire = BufReader::new(wire);
    while let Some(request) = read(&mut wire)? {
        let count = {
            let mut seen = shared.seen();
            seen.0.push(request.clone());
            seen.0.iter().filter(|r| r.path == request.path).count()
        };
        match (shared.answer)(&request, count) {
            Reply::Say(status, headers, body) => {
                let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
                let length = body.len();
                let text =
                    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
                let wire = wire.get_mut();
                wire.write_all(text.as_bytes())?;
                wire.flush()?;
            }
            Reply::Leave => return Ok(()),
            Reply::Hang => {
                // Until the client or the test goes.
                io::copy(&mut wire, &mut io::sink())?;
            }
        }
    }
    Ok(())
}

fn read(wire: &mut BufReader<Wire>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if wire.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        wire.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        path,
        headers,
        body: String::new(),
    };
    let length: u64 = match request.header("content-length") {
        "" => 0,
        length => length.parse().map_err(|_| ErrorKind::InvalidData)?,
    };
    wire.take(length).read_to_string(&mut request.body)?;
    Ok(Some(request))
}
