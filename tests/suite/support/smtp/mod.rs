//! A real, small mail server that keeps what it is sent and misbehaves as it is told. It speaks TLS as `localhost`, by a
//! certificate that [`authority`] vouches for.

pub(super) mod wire;

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use windlass::threads::{Stop, spawn};

use self::wire::Wire;
use super::wait::{PATIENCE, wait_until};

/// Most connections at once; further ones are closed.
const CONNECTIONS_MAX: usize = 64;

/// How often a connection that hears nothing looks whether the test is over.
const SLICE: Duration = Duration::from_millis(20);

/// A mail as it came in: envelope and text, with the dots of the wire taken off.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The address of MAIL FROM.
    pub from: String,
    /// The addresses of RCPT TO.
    pub to: Vec<String>,
    /// Headers and body.
    pub text: String,
}

/// What the server does in place of the usual.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// It answers this line instead.
    Say(&'static str),
    /// It answers this line, a byte every 20 ms.
    Drip(&'static str),
    /// It says nothing more, and keeps the connection.
    Hang,
    /// It closes the connection.
    HangUp,
}

/// A mail server on a free port of this host; it ends on drop.
pub struct SmtpServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

/// The file of the one authority that a client of this server has to trust; what SSL_CERT_FILE should say.
pub fn authority() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/support/tls/authority.pem")
}

#[derive(Default)]
struct Shared {
    stop: Stop,
    encrypted: bool,
    extensions: Vec<String>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    mails: Vec<Mail>,
    lines: Vec<String>,
    connections: usize,
    rules: Vec<Rule>,
}

struct Rule {
    prefix: String,
    times: usize,
    act: Act,
}

impl SmtpServer {
    /// A server that takes every mail.
    pub fn start() -> Self {
        Self::start_with(&["8BITMIME", "SMTPUTF8"])
    }

    /// A server that offers these extensions, among them STARTTLS.
    pub fn start_with(extensions: &[&str]) -> Self {
        Self::launch(extensions, false)
    }

    /// A server that is encrypted from the first byte.
    pub fn start_encrypted() -> Self {
        Self::launch(&["8BITMIME"], true)
    }

    fn launch(extensions: &[&str], encrypted: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            extensions: extensions.iter().map(ToString::to_string).collect(),
            encrypted,
            ..Shared::default()
        });
        let accepting = Arc::clone(&shared);
        let acceptor = spawn("smtp server", move || accept(&listener, &accepting));
        Self {
            addr,
            shared,
            acceptor: Some(acceptor.expect("room for one more thread")),
        }
    }

    /// What SMTPURL should say.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next `times` times that a line begins with `prefix`, in either case, it does `act` instead of what it should.
    /// `CONNECT` stands for a new connection, `TEXT` for the first line of a mail's text, `.` for its end.
    pub fn rule(&self, prefix: &str, times: usize, act: Act) {
        self.shared.seen().rules.push(Rule {
            prefix: prefix.to_ascii_uppercase(),
            times,
            act,
        });
    }

    /// All mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.seen().mails.clone()
    }

    /// All commands so far, over all connections.
    pub fn lines(&self) -> Vec<String> {
        self.shared.seen().lines.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.shared.seen().connections
    }

    /// Waits until `count` mails have come, and answers them.
    #[track_caller]
    pub fn await_mails(&self, count: usize) -> Vec<Mail> {
        wait_until(&format!("{count} mails have come"), PATIENCE, || {
            let mails = self.mails();
            if mails.len() >= count {
                Ok(mails)
            } else {
                Err(format!("{} mails; heard: {:?}", mails.len(), self.lines()))
            }
        })
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.shared.stop.stop();
        // Wakes the acceptor; if it cannot be reached, it has ended.
        TcpStream::connect(self.addr).ok();
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the mail server does not panic");
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rule_for(&self, line: &str) -> Option<Act> {
        let line = line.to_ascii_uppercase();
        let mut seen = self.seen();
        let rule = seen
            .rules
            .iter_mut()
            .find(|r| r.times > 0 && line.starts_with(&r.prefix))?;
        rule.times -= 1;
        Some(rule.act)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut sessions: Vec<JoinHandle<()>> = Vec::new();
    for socket in listener.incoming() {
        if shared.stop.is_stopped() {
            break;
        }
        let Ok(socket) = socket else { continue };
        sessions.retain(|s| !s.is_finished());
        if sessions.len() >= CONNECTIONS_MAX {
            continue;
        }
        shared.seen().connections += 1;
        let shared = Arc::clone(shared);
        let session = spawn("smtp session", move || {
            // A client that goes away in the middle is what many a test is about.
            Session::new(socket, shared).and_then(Session::run).ok();
        });
        sessions.push(session.expect("room for one more thread"));
    }
    for session in sessions {
        session.join().expect("a session does not panic");
    }
}

struct Session {
    /// `None` only while it is being encrypted.
    wire: Option<BufReader<Wire>>,
    shared: Arc<Shared>,
    from: String,
    to: Vec<String>,
}

impl Session {
    fn new(socket: TcpStream, shared: Arc<Shared>) -> io::Result<Self> {
        socket.set_read_timeout(Some(SLICE))?;
        socket.set_nodelay(true)?;
        let mut session = Self {
            wire: Some(BufReader::new(Wire::plain(socket, shared.stop.clone()))),
            shared,
            from: String::new(),
            to: Vec::new(),
        };
        if session.shared.encrypted {
            session.encrypt();
        }
        Ok(session)
    }

    fn encrypt(&mut self) {
        let wire = self.wire.take().expect("there is always one");
        self.wire = Some(BufReader::new(wire.into_inner().encrypted()));
    }

    fn wire(&mut self) -> &mut BufReader<Wire> {
        self.wire.as_mut().expect("there is always one")
    }

    fn run(mut self) -> io::Result<()> {
        self.answer("CONNECT", "220 test ESMTP")?;
        while let Some(line) = self.line()? {
            self.shared.seen().lines.push(line.clone());
            let verb = line.to_ascii_uppercase();
            if verb.starts_with("EHLO") {
                let extensions = &self.shared.extensions;
                let mut lines = vec!["test greets you".to_owned()];
                lines.extend(extensions.iter().cloned());
                let last = lines.len() - 1;
                let reply: Vec<String> = lines
                    .iter()
                    .enumerate()
                    .map(|(i, l)| format!("250{}{l}", if i == last { ' ' } else { '-' }))
                    .collect();
                self.answer(&line, &reply.join("\r\n"))?;
            } else if verb == "STARTTLS" {
                if self.answer(&line, "220 go ahead")? {
                    self.encrypt();
                }
            } else if verb.starts_with("MAIL FROM:") {
                self.from = address(&line);
                self.to.clear();
                self.answer(&line, "250 2.1.0 sender ok")?;
            } else if verb.starts_with("RCPT TO:") {
                if self.answer(&line, "250 2.1.5 recipient ok")? {
                    self.to.push(address(&line));
                }
            } else if verb == "DATA" {
                if self.answer(&line, "354 go ahead")? {
                    self.text()?;
                }
            } else if verb.starts_with("AUTH LOGIN") {
                // "Username:" and "Password:" in base64.
                for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    self.say(question)?;
                    let said = self.line()?.unwrap_or_default();
                    self.shared.seen().lines.push(said);
                }
                self.answer("AUTH", "235 2.7.0 welcome")?;
            } else if verb.starts_with("AUTH PLAIN ") {
                self.answer("AUTH", "235 2.7.0 welcome")?;
            } else if verb == "QUIT" {
                return self.say("221 bye");
            } else {
                self.answer(&line, "502 not here")?;
            }
        }
        Ok(())
    }

    fn text(&mut self) -> io::Result<()> {
        let mut text = String::new();
        while let Some(line) = self.line()? {
            if text.is_empty()
                && let Some(act) = self.shared.rule_for("TEXT")
            {
                self.act(act)?;
            }
            if line == "." {
                // It is kept before it is acknowledged, as a server must.
                self.shared.seen().mails.push(Mail {
                    from: self.from.clone(),
                    to: std::mem::take(&mut self.to),
                    text,
                });
                self.answer(".", "250 2.0.0 queued as 4711")?;
                return Ok(());
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
        Err(ErrorKind::UnexpectedEof.into())
    }

    /// Answers `usual`, or does what a rule says; tells whether it was the usual.
    fn answer(&mut self, line: &str, usual: &str) -> io::Result<bool> {
        match self.shared.rule_for(line) {
            Some(act) => self.act(act).map(|()| false),
            None => self.say(usual).map(|()| true),
        }
    }

    fn act(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Say(line) => self.say(line),
            Act::Drip(line) => {
                for byte in line.bytes() {
                    self.wire().get_mut().write_all(&[byte])?;
                    if self.shared.stop.wait(SLICE) {
                        break;
                    }
                }
                Ok(())
            }
            Act::Hang => {
                // Until the client or the test goes.
                io::copy(self.wire(), &mut io::sink())?;
                Err(ErrorKind::UnexpectedEof.into())
            }
            Act::HangUp => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let wire = self.wire().get_mut();
        wire.write_all(format!("{line}\r\n").as_bytes())?;
        wire.flush()
    }

    /// One line without its end, which must be CR LF as the protocol wants it; `None` when the client has gone.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        if self.wire().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.strip_suffix("\r\n") {
            Some(line) if !line.contains('\r') => Ok(Some(line.to_owned())),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}

/// The address between the angle brackets.
fn address(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or("", |(address, _)| address).to_owned()
}
