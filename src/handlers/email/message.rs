//! A mail becomes the text that goes over the wire, and its envelope.

use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{Cc, HeaderValue, MessageId, ReplyTo, To};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};

use super::check::{Attachment, Content, File, Mail};
use crate::job::{JobId, Timestamp};

/// A mail, ready to be sent.
#[derive(Debug)]
pub(super) struct Letter {
    /// The job that sends it.
    pub(super) id: JobId,
    /// `<job id@domain of the sender>`, the same at every attempt.
    pub(super) message_id: String,
    /// From whom the envelope comes.
    pub(super) from: Address,
    /// To whom it goes: each address once, those of `bcc` among them.
    pub(super) recipients: Vec<Address>,
    /// Headers and body: lines end in CR LF, none is longer than 998 bytes. ASCII, unless an address is not.
    pub(super) text: String,
}

/// Writes `mail` as the job `id` sends it at `now`.
///
/// # Errors
///
/// What the mail lacks; it passed the door, so this is a fault of ours.
pub(super) fn write(mail: Mail, id: JobId, now: Timestamp) -> Result<Letter, String> {
    let from = mail.from.email.clone();
    let message_id = format!("<{id}@{}>", from.domain());
    let mut recipients: Vec<Address> = Vec::new();
    for mailbox in mail.to.iter().chain(&mail.cc).chain(&mail.bcc) {
        if !recipients.contains(&mailbox.email) {
            recipients.push(mailbox.email.clone());
        }
    }
    let envelope = Envelope::new(Some(from.clone()), recipients.clone())
        .map_err(|err| format!("its envelope: {err}"))?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .from(mail.from)
        .header(To::from(list(mail.to)))
        .subject(mail.subject)
        .header(MessageId::from(message_id.clone()))
        .date(system_time(now));
    // Each list goes in at once: the builder would otherwise read back its own text for every further mailbox.
    if !mail.cc.is_empty() {
        builder = builder.header(Cc::from(list(mail.cc)));
    }
    if !mail.reply_to.is_empty() {
        builder = builder.header(ReplyTo::from(list(mail.reply_to)));
    }
    for (name, value) in mail.headers {
        builder = builder.raw_header(HeaderValue::new(name, value));
    }
    let message = match body(mail.content, mail.attachments)? {
        Body::Single(part) => builder.singlepart(part),
        Body::Multi(parts) => builder.multipart(parts),
    }
    .map_err(|err| err.to_string())?;
    let text = String::from_utf8(message.formatted()).map_err(|err| err.to_string())?;
    Ok(Letter {
        id,
        message_id,
        from,
        recipients,
        text,
    })
}

enum Body {
    Single(SinglePart),
    Multi(MultiPart),
}

fn body(content: Content, attachments: Vec<Attachment>) -> Result<Body, String> {
    let content = match content {
        Content::Text(text) => Body::Single(SinglePart::plain(text)),
        Content::Html(html) => Body::Single(SinglePart::html(html)),
        Content::Both { text, html } => Body::Multi(MultiPart::alternative_plain_html(text, html)),
    };
    if attachments.is_empty() {
        return Ok(content);
    }
    let mixed = MultiPart::mixed();
    let mut mixed = match content {
        Body::Single(part) => mixed.singlepart(part),
        Body::Multi(parts) => mixed.multipart(parts),
    };
    for attachment in attachments {
        let File::Bytes(bytes) = attachment.content else {
            return Err(format!("`{}` was not read", attachment.filename));
        };
        let name = lettre::message::Attachment::new(attachment.filename);
        mixed = mixed.singlepart(name.body(bytes, attachment.content_type));
    }
    Ok(Body::Multi(mixed))
}

fn list(mailboxes: Vec<Mailbox>) -> Mailboxes {
    mailboxes.into_iter().collect()
}

fn system_time(now: Timestamp) -> SystemTime {
    let micros = u64::try_from(now.as_micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}
