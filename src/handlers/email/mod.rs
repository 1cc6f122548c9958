//! `email`: a job's payload goes out as a mail over SMTP, or into a folder.
//!
//! ```text
//!   payload ──check──▶ Mail ──message──▶ Letter (envelope and text) ──transport──▶ smtp | folder
//! ```
//!
//! `check` is the door: it reads everything that a sender could get wrong, or use to smuggle something into the mail,
//! and the same reading is done again before sending. `smtp` speaks with the server itself, in lettre's words, because
//! lettre's own transport does not tell which recipient was refused, and waits without any bound for a server that drips.
//!
//! # What the outcome says
//!
//! One transaction carries the mail to all recipients: either all were accepted, or nobody gets it, and the first address
//! that was refused stands in the error. A refusal of the mail with 5xx is for good; everything else is tried again.
//! When an answer is lost after the whole text was sent, the mail may arrive twice, with one and the same Message-ID,
//! which holds the id of the job.

mod address;
mod check;
mod connection;
mod message;
mod smtp;
mod stumble;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::BTreeMap;

use lettre::message::Mailbox;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::either::either;
use super::files::FileRoot;
use super::{Context, Failure, Handler, Wrong};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use transport::Transport;

pub use address::OneOrMany;

/// Sends mails.
pub struct Email {
    transport: Option<Transport>,
    sender: Option<Mailbox>,
    files: FileRoot,
    clock: SystemClock,
}

/// A mail. Addresses are written `a@b` or `Name <a@b>`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["body"], "properties": {"body": {"type": "string"}}},
    {"required": ["html"], "properties": {"html": {"type": "string"}}},
]))]
pub struct EmailPayload {
    /// To whom it goes; at most 100 addresses with `cc` and `bcc`.
    pub to: OneOrMany,
    /// To whom it goes as well, as all can see.
    pub cc: Option<OneOrMany>,
    /// To whom it goes as well, as nobody can see.
    pub bcc: Option<OneOrMany>,
    /// To whom an answer should go.
    pub reply_to: Option<OneOrMany>,
    /// From whom it comes; without it, from the daemon's MAILFROM.
    pub from: Option<String>,
    /// The subject: one line.
    pub subject: String,
    /// The text. A mail needs this, or `html`, or both as alternatives.
    pub body: Option<String>,
    /// The text as HTML.
    pub html: Option<String>,
    /// Files that go with it.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub attachments: Vec<EmailAttachment>,
    /// Further headers by name, such as `List-Unsubscribe`; none that a mail has anyway.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A file that goes with a mail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = either(("base64", "string"), ("path", "string"))))]
pub struct EmailAttachment {
    /// Its name, without a path.
    #[schemars(length(min = 1, max = 255))]
    pub filename: String,
    /// Its media type; without it, `application/octet-stream`.
    pub content_type: Option<String>,
    /// Its content in base64 (RFC 4648, with padding); or `path`.
    pub base64: Option<String>,
    /// The file that holds its content, beneath the daemon's FILEROOT, as it is when the mail is sent.
    #[schemars(length(min = 1))]
    pub path: Option<String>,
}

/// A mail that was handed over.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EmailOutput {
    /// Its Message-ID, which holds the id of the job.
    pub message_id: String,
    /// All addresses that the server accepted it for, each once.
    pub accepted: Vec<String>,
    /// The server's last word, which often holds its own name for the mail.
    pub response: String,
}

impl Email {
    /// A handler that sends through `config.smtp_url`, from `config.mail_from` where a mail does not say, with attachments
    /// from beneath `config.file_root`.
    ///
    /// Nothing is connected yet. Without SMTPURL the handler refuses every mail at the door.
    ///
    /// # Errors
    ///
    /// Which of the settings is wrong, and what is expected; without the URL itself, which may hold a password.
    pub fn new(config: &Config) -> Result<Self, String> {
        let transport = match &config.smtp_url {
            Some(url) => Some(
                Transport::from_url(url.reveal(), config.worker_count)
                    .map_err(|err| format!("SMTPURL: {err}"))?,
            ),
            None => None,
        };
        let sender = match &config.mail_from {
            Some(text) => Some(address::mailbox(text).map_err(|err| format!("MAILFROM: {err}"))?),
            None => None,
        };
        Ok(Self {
            transport,
            sender,
            files: FileRoot::new(config)?,
            clock: SystemClock,
        })
    }
}

impl Handler for Email {
    const TYPE: &'static str = "email";
    type Payload = EmailPayload;
    type Output = EmailOutput;

    fn check(&self, payload: &EmailPayload) -> Result<(), Vec<Wrong>> {
        if self.transport.is_none() {
            return Err(vec![Wrong::new("", NO_TRANSPORT)]);
        }
        check::read(payload, self.sender.as_ref(), &self.files).map(drop)
    }

    fn run(&self, payload: EmailPayload, context: &Context) -> Result<EmailOutput, Failure> {
        let Some(transport) = &self.transport else {
            // Another daemon took it in; it, or this one once it is set up, may send it.
            return Err(Failure::retry(NO_TRANSPORT));
        };
        if payload.attachments.iter().any(|a| a.path.is_some()) {
            self.files.needed()?;
        }
        let read = check::read(&payload, self.sender.as_ref(), &self.files);
        let mut mail = read.map_err(|wrong| {
            let wrong: Vec<_> = wrong
                .iter()
                .map(|w| format!("`{}`: {}", w.pointer, w.detail))
                .collect();
            Failure::permanent(format!("the mail cannot be sent: {}", wrong.join("; ")))
        })?;
        drop(payload);
        mail.fetch(&self.files)?;
        let letter = message::write(mail, context.id(), self.clock.now())
            .map_err(|err| Failure::permanent(format!("the mail cannot be written: {err}")))?;
        let response = transport.send(&letter, context)?;
        Ok(EmailOutput {
            accepted: letter.recipients.iter().map(ToString::to_string).collect(),
            message_id: letter.message_id,
            response,
        })
    }
}

const NO_TRANSPORT: &str = "this daemon cannot send mail, because SMTPURL is not set: set it to smtp://host, \
     smtps://user:password@host, or file:///folder to have mails written there";
