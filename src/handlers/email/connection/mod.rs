//! One connection to a mail server: lines out, replies in, and no wait without an end.
//!
//! The socket itself wakes up every [`SLICE`], and each time it is asked whether the time is up or the job cancelled. A
//! server that sends a byte now and then therefore cannot hold a worker, as it can with a timeout a read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::transport::smtp::response::Response;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::handlers::Context;

/// How often a wait looks up.
const SLICE: Duration = Duration::from_millis(200);

/// How long the server may take for one reply, and for taking in one more piece of what is written.
const STEP: Duration = Duration::from_secs(30);

/// Longest reply that is read, in bytes, as Postfix bounds it.
const REPLY_BYTES_MAX: usize = 100_000;

/// Most bytes that are handed to the socket at once.
const PIECE: usize = 16 * 1024;

/// Why a step did not succeed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server answered, with a refusal.
    Refused(Response),
    /// The connection is of no more use.
    Broken(io::Error),
    /// The server cannot take this mail, and was not asked.
    Unfit(String),
    /// The job was cancelled.
    Cancelled,
}

impl From<io::Error> for Trouble {
    fn from(err: io::Error) -> Self {
        Self::Broken(err)
    }
}

/// For how long an attempt may wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience<'a> {
    until: Instant,
    context: Option<&'a Context>,
}

impl<'a> Patience<'a> {
    /// Until shortly before the attempt's deadline, so that it is we who say where the time went.
    pub(super) fn of(context: &'a Context) -> Self {
        let margin = (context.remaining() / 10).min(Duration::from_millis(500));
        Self {
            until: context
                .deadline()
                .checked_sub(margin)
                .unwrap_or(context.deadline()),
            context: Some(context),
        }
    }

    /// The same, but cancelling does not end it any more: what is under way cannot be taken back.
    pub(super) fn to_the_end(self) -> Self {
        Self {
            context: None,
            ..self
        }
    }

    /// The instant `step` from now, or the last one, if that is sooner.
    fn step(&self, step: Duration) -> Instant {
        self.until.min(Instant::now() + step)
    }

    fn check(&self, by: Instant) -> Result<(), Trouble> {
        if self.context.is_some_and(Context::cancelled) {
            return Err(Trouble::Cancelled);
        }
        if Instant::now() < by {
            return Ok(());
        }
        let why = if by < self.until {
            "no answer in time"
        } else {
            "the time of the job was up before the server answered"
        };
        Err(io::Error::new(ErrorKind::TimedOut, why).into())
    }
}

/// The certificates of this host, against which servers are checked.
///
/// # Errors
///
/// There are none; how to get some.
pub(super) fn trust() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(
            "needs the certificates of this host for TLS, and there are none: install ca-certificates"
                .to_owned(),
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| err.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A connection to a mail server.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
    /// What was read and not yet used.
    heard: Vec<u8>,
}

impl Connection {
    /// Connects to the first address of `host` that answers. Asking for the addresses is bounded by the system's resolver.
    ///
    /// # Errors
    ///
    /// [`Trouble::Broken`] with what the last address answered.
    pub(super) fn open(host: &str, port: u16, patience: Patience<'_>) -> Result<Self, Trouble> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            let by = patience.step(STEP);
            patience.check(by)?;
            let left = by.saturating_duration_since(Instant::now()).max(SLICE);
            match TcpStream::connect_timeout(&address, left) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    socket.set_read_timeout(Some(SLICE))?;
                    socket.set_write_timeout(Some(SLICE))?;
                    return Ok(Self {
                        socket,
                        tls: None,
                        heard: Vec::new(),
                    });
                }
                Err(err) => last = err,
            }
        }
        Err(last.into())
    }

    /// Whether what is said here is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Encrypts the connection from here on.
    ///
    /// # Errors
    ///
    /// [`Trouble::Broken`]: the server is not whom we want, or said something that nobody had yet asked for.
    pub(super) fn encrypt(
        &mut self,
        trust: &Arc<ClientConfig>,
        host: &str,
        patience: Patience<'_>,
    ) -> Result<(), Trouble> {
        // Somebody between us and the server may have put a reply of his own behind the last one.
        if !self.heard.is_empty() {
            return Err(odd("the server spoke before the encryption began").into());
        }
        let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        let tls = ClientConnection::new(Arc::clone(trust), name).map_err(invalid)?;
        self.tls = Some(Box::new(tls));
        let by = patience.step(STEP);
        loop {
            self.flush(patience, by)?;
            match &self.tls {
                Some(tls) if tls.is_handshaking() => {}
                _ => return Ok(()),
            }
            let piece = self.patiently(patience, by, Self::listen)?;
            self.heard.extend_from_slice(&piece);
        }
    }

    /// Says one line, or a whole text, and waits for the reply.
    ///
    /// # Errors
    ///
    /// [`Trouble::Refused`] for a reply of 4xx or 5xx; after anything else the connection is of no more use.
    pub(super) fn say(&mut self, text: &str, patience: Patience<'_>) -> Result<Response, Trouble> {
        self.write(text.as_bytes(), patience)?;
        self.reply(STEP, patience)
    }

    /// Writes; each piece that the server takes in starts the time anew.
    ///
    /// # Errors
    ///
    /// The connection is of no more use.
    pub(super) fn write(&mut self, bytes: &[u8], patience: Patience<'_>) -> Result<(), Trouble> {
        for piece in bytes.chunks(PIECE) {
            let mut rest = piece;
            while !rest.is_empty() {
                let by = patience.step(STEP);
                let n = self.patiently(patience, by, |c| match &mut c.tls {
                    Some(tls) => tls.writer().write(rest),
                    None => c.socket.write(rest),
                })?;
                if n == 0 {
                    return Err(io::Error::from(ErrorKind::WriteZero).into());
                }
                rest = &rest[n..];
                self.flush(patience, by)?;
            }
        }
        Ok(())
    }

    /// Waits for a reply, for `step` at most.
    ///
    /// # Errors
    ///
    /// As [`Connection::say`].
    pub(super) fn reply(
        &mut self,
        step: Duration,
        patience: Patience<'_>,
    ) -> Result<Response, Trouble> {
        let by = patience.step(step);
        let mut lines = String::new();
        loop {
            let line = self.line(patience, by)?;
            let (code, rest) = line.split_at_checked(3).unwrap_or((&line, ""));
            let last = !rest.starts_with('-');
            let text = rest.get(1..).unwrap_or_default().trim();
            lines.push_str(&format!("{code}{}{text}\r\n", if last { ' ' } else { '-' }));
            if lines.len() > REPLY_BYTES_MAX {
                return Err(odd("its reply is too long").into());
            }
            if last {
                break;
            }
        }
        let reply: Response = lines.parse().map_err(|_| {
            odd(&format!(
                "its reply is not that of a mail server: {}",
                lines.trim().chars().take(200).collect::<String>()
            ))
        })?;
        if reply.is_positive() {
            Ok(reply)
        } else {
            Err(Trouble::Refused(reply))
        }
    }

    /// Says that we go. Nobody waits for the answer.
    pub(super) fn quit(mut self) {
        let quit: &[u8] = b"QUIT\r\n";
        // Out of courtesy only: a server that does not hear it finds the connection closed.
        let said = match &mut self.tls {
            Some(tls) => {
                let written = tls.writer().write_all(quit);
                tls.send_close_notify();
                written.and_then(|()| tls.write_tls(&mut self.socket).map(drop))
            }
            None => self.socket.write_all(quit),
        };
        if let Err(err) = said {
            log::debug!("a mail server was gone before we could say QUIT: {err}");
        }
    }

    fn line(&mut self, patience: Patience<'_>, by: Instant) -> Result<String, Trouble> {
        loop {
            if let Some(end) = self.heard.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.heard.len() > REPLY_BYTES_MAX {
                return Err(odd("its reply is too long").into());
            }
            let piece = self.patiently(patience, by, Self::listen)?;
            self.heard.extend_from_slice(&piece);
        }
    }

    /// One read of the socket. What it brings may still be no byte of text, when it is encrypted.
    fn listen(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = vec![0; 4096];
        let n = match &mut self.tls {
            None => self.socket.read(&mut piece)?,
            Some(tls) => match tls.reader().read(&mut piece) {
                Err(err) if err.kind() == ErrorKind::WouldBlock => {
                    if tls.read_tls(&mut self.socket)? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    tls.process_new_packets().map_err(invalid)?;
                    return Ok(Vec::new());
                }
                read => read?,
            },
        };
        if n == 0 {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the server closed the connection",
            ));
        }
        piece.truncate(n);
        Ok(piece)
    }

    /// Brings what is encrypted and waits onto the socket.
    fn flush(&mut self, patience: Patience<'_>, by: Instant) -> Result<(), Trouble> {
        while self.tls.as_ref().is_some_and(|tls| tls.wants_write()) {
            self.patiently(patience, by, |c| match &mut c.tls {
                Some(tls) => tls.write_tls(&mut c.socket),
                None => Ok(0),
            })?;
        }
        Ok(())
    }

    /// Does `act` again while the socket has nothing to say but that it waited, until `by`.
    fn patiently<T>(
        &mut self,
        patience: Patience<'_>,
        by: Instant,
        mut act: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> Result<T, Trouble> {
        loop {
            patience.check(by)?;
            match act(self) {
                Ok(done) => return Ok(done),
                Err(err)
                    if matches!(
                        err.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(err) => return Err(err.into()),
            }
        }
    }
}

fn odd(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.to_owned())
}

fn invalid(err: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, err)
}

#[cfg(test)]
mod tests;
