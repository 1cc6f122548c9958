//! A letter goes to a mail server, step by step, so that it can be told at which one it failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter, ServerInfo};
use lettre::transport::smtp::response::{Response, Severity};
use rustls::ClientConfig;

use super::connection::{Connection, Patience, Trouble};
use super::message::Letter;
use super::stumble::{Step, Stumble, at, shown};
use crate::handlers::{Context, Failure};

/// How long the server may take to say that it has the mail (RFC 5321, 4.5.3.2.6). Who gives up sooner sends it twice.
const END_OF_DATA: Duration = Duration::from_secs(600);

/// After how long a connection that nobody used is not used again; servers close them after some minutes.
const IDLE: Duration = Duration::from_secs(30);

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// Not at all.
    None,
    /// By STARTTLS, if the server offers it.
    Opportunistic,
    /// By STARTTLS, or there is no mail.
    Required,
    /// From the first byte.
    Wrapped,
}

/// What SMTPURL says of the server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    /// Whom to believe; with any TLS.
    pub(super) trust: Option<Arc<ClientConfig>>,
    pub(super) credentials: Option<Credentials>,
    pub(super) hello: ClientId,
}

/// A mail server and the connections to it that are open.
#[derive(Debug)]
pub(super) struct Smtp {
    server: Server,
    idle_max: usize,
    /// The one used last is at the end, and used next: so the others grow old and go.
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    line: Line,
    since: Instant,
}

/// A connection on which the server has said what it can do.
#[derive(Debug)]
struct Line {
    connection: Connection,
    server: ServerInfo,
}

impl Smtp {
    /// Sends to `server`, and keeps at most `idle_max` connections for the next mails.
    pub(super) fn new(server: Server, idle_max: usize) -> Self {
        Self {
            server,
            idle_max,
            idle: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn into_server(self) -> Server {
        self.server
    }

    /// Sends a letter to all its recipients, or to none; answers with the server's last word.
    ///
    /// # Errors
    ///
    /// What the job should answer: permanent when the server refused this mail for good, with the address that it
    /// refused; else to be tried again.
    pub(super) fn send(&self, letter: &Letter, context: &Context) -> Result<String, Failure> {
        let patience = Patience::of(context);
        let (line, reply) = self.deliver(letter, patience).map_err(|stumble| {
            let Server { host, port, .. } = &self.server;
            stumble.failure(&format!("{host}:{port}"), context.attempt())
        })?;
        self.keep(line);
        Ok(shown(&reply))
    }

    fn deliver<'a>(
        &self,
        letter: &'a Letter,
        patience: Patience<'_>,
    ) -> Result<(Line, Response), Stumble<'a>> {
        let mut line = self.begin(letter, patience)?;
        match transfer(&mut line, letter, patience) {
            Ok(reply) => Ok((line, reply)),
            Err(stumble) => {
                // QUIT ends the transaction, so that no recipient of the accepted ones gets anything.
                if matches!(stumble.1, Trouble::Refused(_)) {
                    line.connection.quit();
                }
                Err(stumble)
            }
        }
    }

    /// Takes a line and names the sender on it. That is how a line that was kept shows whether the server still listens.
    fn begin<'a>(&self, letter: &'a Letter, patience: Patience<'_>) -> Result<Line, Stumble<'a>> {
        let step = Step::Sender(&letter.from);
        while let Some(mut line) = self.kept() {
            match sender(&mut line, letter, patience) {
                Ok(()) => return Ok(line),
                // The server had hung up, or does so now.
                Err(Trouble::Broken(_)) => {}
                Err(Trouble::Refused(reply)) if reply.has_code(421) => {}
                Err(trouble) => return Err(Stumble(step, trouble)),
            }
        }
        let mut line = self.connect(patience)?;
        match sender(&mut line, letter, patience) {
            Ok(()) => Ok(line),
            Err(trouble) => {
                if matches!(trouble, Trouble::Refused(_)) {
                    line.connection.quit();
                }
                Err(Stumble(step, trouble))
            }
        }
    }

    fn connect<'a>(&self, patience: Patience<'_>) -> Result<Line, Stumble<'a>> {
        let Server {
            host, port, trust, ..
        } = &self.server;
        let mut connection = Connection::open(host, *port, patience).map_err(at(Step::Connect))?;
        if let (Tls::Wrapped, Some(trust)) = (self.server.tls, trust) {
            connection
                .encrypt(trust, host, patience)
                .map_err(at(Step::Encrypt))?;
        }
        connection
            .reply(Duration::from_secs(30), patience)
            .map_err(at(Step::Hello))?;
        let mut server = self.hello(&mut connection, patience)?;
        if let (Tls::Required | Tls::Opportunistic, Some(trust)) = (self.server.tls, trust) {
            if server.supports_feature(Extension::StartTls) {
                connection
                    .say(&Starttls.to_string(), patience)
                    .and_then(|_| connection.encrypt(trust, host, patience))
                    .map_err(at(Step::Encrypt))?;
                // What was offered in the clear may have been offered by anybody.
                server = self.hello(&mut connection, patience)?;
            } else if self.server.tls == Tls::Required {
                let lacks = "the server does not offer STARTTLS, and SMTPURL requires it";
                return Err(Stumble(Step::Encrypt, broken(lacks)));
            }
        }
        let mut line = Line { connection, server };
        self.login(&mut line, patience).map_err(at(Step::Login))?;
        Ok(line)
    }

    fn hello<'a>(
        &self,
        connection: &mut Connection,
        patience: Patience<'_>,
    ) -> Result<ServerInfo, Stumble<'a>> {
        let hello = Ehlo::new(self.server.hello.clone()).to_string();
        let reply = connection.say(&hello, patience).map_err(at(Step::Hello))?;
        // Keywords may be written in either case; lettre knows them in upper case.
        let lines = reply.message().map(str::to_ascii_uppercase).collect();
        Ok(ServerInfo::from_response(&Response::new(reply.code(), lines)).unwrap_or_default())
    }

    fn login(&self, line: &mut Line, patience: Patience<'_>) -> Result<(), Trouble> {
        let Some(credentials) = &self.server.credentials else {
            return Ok(());
        };
        if self.server.tls != Tls::None && !line.connection.is_encrypted() {
            return Err(broken(
                "the server does not offer STARTTLS, and no password goes in the clear",
            ));
        }
        let Some(mechanism) = line.server.get_auth_mechanism(DEFAULT_MECHANISMS) else {
            return Err(broken(
                "the server offers neither AUTH PLAIN nor AUTH LOGIN",
            ));
        };
        let auth = Auth::new(mechanism, credentials.clone(), None).map_err(broken)?;
        let mut reply = line.connection.say(&auth.to_string(), patience)?;
        // LOGIN asks for the user, then for the password.
        for _ in 0..2 {
            if !reply.has_code(334) {
                break;
            }
            let auth =
                Auth::new_from_response(mechanism, credentials.clone(), &reply).map_err(broken)?;
            reply = line.connection.say(&auth.to_string(), patience)?;
        }
        if reply.code().severity == Severity::PositiveCompletion {
            Ok(())
        } else {
            Err(broken(
                "the server asks for more than a user and a password",
            ))
        }
    }

    fn kept(&self) -> Option<Line> {
        let idle = self.idle().pop()?;
        // It was the one used last: if it is too old, all are.
        if idle.since.elapsed() > IDLE {
            self.idle().clear();
            return None;
        }
        Some(idle.line)
    }

    fn keep(&self, line: Line) {
        let mut idle = self.idle();
        idle.retain(|i| i.since.elapsed() <= IDLE);
        if idle.len() < self.idle_max {
            idle.push(Idle {
                line,
                since: Instant::now(),
            });
        } else {
            drop(idle);
            line.connection.quit();
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Lines are pushed and popped whole: a panic elsewhere cannot leave half of one here.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the sender. A mail that the server could not take for its alphabet ends here.
fn sender(line: &mut Line, letter: &Letter, patience: Patience<'_>) -> Result<(), Trouble> {
    let mut parameters = Vec::new();
    if !letter.text.is_ascii() {
        if !line.server.supports_feature(Extension::SmtpUtfEight) {
            let address = letter.recipients.iter().find(|r| !r.to_string().is_ascii());
            return Err(Trouble::Unfit(format!(
                "the server does not take addresses such as {}, which are not ASCII before the @ (SMTPUTF8)",
                address.unwrap_or(&letter.from)
            )));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let mail = Mail::new(Some(letter.from.clone()), parameters);
    line.connection.say(&mail.to_string(), patience).map(drop)
}

fn transfer<'a>(
    line: &mut Line,
    letter: &'a Letter,
    patience: Patience<'_>,
) -> Result<Response, Stumble<'a>> {
    for recipient in &letter.recipients {
        let rcpt = Rcpt::new(recipient.clone(), Vec::new());
        line.connection
            .say(&rcpt.to_string(), patience)
            .map_err(at(Step::Recipient(recipient)))?;
    }
    let reply = line
        .connection
        .say(&Data.to_string(), patience)
        .map_err(at(Step::Data))?;
    if !reply.has_code(354) {
        let odd = format!("354 was expected, not {}", shown(&reply));
        return Err(Stumble(Step::Data, broken(odd)));
    }
    // The last chance to turn back: half a text would not be delivered, a whole one is.
    let text = stuffed(&letter.text);
    line.connection
        .write(text.as_bytes(), patience)
        .map_err(at(Step::Data))?;
    let patience = patience.to_the_end();
    line.connection
        .write(b".\r\n", patience)
        .and_then(|()| line.connection.reply(END_OF_DATA, patience))
        .map_err(at(Step::End))
}

/// The text as it goes over the wire: whole lines that end in CR LF, and a dot more where one begins with a dot, which
/// would end the mail (RFC 5321, 4.5.2). A lone CR or LF becomes a line's end: servers that took it for one could be made
/// to see a second mail in it.
fn stuffed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 40 + 2);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}

fn broken(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trouble {
    Trouble::Broken(std::io::Error::other(why))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No text can end its own mail early, whatever a server takes for the end of a line.
        #[test]
        fn no_text_holds_the_end_of_a_mail(text in "[a.\r\n]{0,40}") {
            let wire = stuffed(&text);
            prop_assert!(wire.ends_with("\r\n"));
            for line in wire.split_inclusive("\r\n") {
                let line = line.strip_suffix("\r\n").expect("every line ends in CR LF");
                prop_assert!(!line.contains(['\r', '\n']) && line != ".");
            }
            let back: Vec<_> = wire.split_terminator("\r\n").map(|l| l.strip_prefix('.').unwrap_or(l)).collect();
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            let lines: Vec<_> = lines.strip_suffix('\n').unwrap_or(&lines).split('\n').collect();
            prop_assert_eq!(back, lines);
        }
    }
}
