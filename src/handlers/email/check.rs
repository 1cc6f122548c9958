//! What was submitted becomes a mail that can be written, or a list of what is wrong with it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName};

use super::{EmailAttachment, EmailPayload, OneOrMany, address};
use crate::handlers::files::FileRoot;
use crate::handlers::{Failure, Wrong};

/// Most recipients of one mail; servers must take that many (RFC 5321, 4.5.3.1.8), few take more.
const RECIPIENTS_MAX: usize = 100;

/// Most addresses in `reply_to`.
const REPLY_TO_MAX: usize = 10;

/// Most attachments of one mail.
const ATTACHMENTS_MAX: usize = 50;

/// Most bytes of all attachments of a mail, decoded. Hardly any server takes more than 25 MiB with the third that base64
/// adds; the daemon's PAYLOADMAX is usually far smaller.
const ATTACHMENT_BYTES_MAX: usize = 18 * 1024 * 1024;

/// Most further headers.
const HEADERS_MAX: usize = 50;

/// Longest name of a header, as lettre takes it.
const HEADER_NAME_BYTES_MAX: usize = 76;

/// Longest subject or value of a header. A word is not folded, and no line of a mail may pass 998 bytes (RFC 5322, 2.1.1).
const HEADER_BYTES_MAX: usize = 900;

/// Longest name of a file; more, no file system takes.
const FILENAME_BYTES_MAX: usize = 255;

/// Headers that a mail has anyway, or that only those may write who carry it. `content-` and `resent-` are refused as a
/// whole.
const RESERVED: &[&str] = &[
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

/// A mail with nothing left to go wrong in it.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) bcc: Vec<Mailbox>,
    pub(super) reply_to: Vec<Mailbox>,
    pub(super) subject: String,
    pub(super) content: Content,
    pub(super) attachments: Vec<Attachment>,
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// What a mail says.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Html(String),
    /// The same, twice.
    Both {
        text: String,
        html: String,
    },
}

/// A file that goes with a mail.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) filename: String,
    pub(super) content_type: ContentType,
    pub(super) content: File,
}

/// What an attached file holds.
#[derive(Debug)]
pub(super) enum File {
    Bytes(Vec<u8>),
    /// It lies under this path, and is read when the mail is sent.
    Path(String),
}

impl Mail {
    /// Reads the attachments that lie in files.
    ///
    /// # Errors
    ///
    /// As [`FileRoot::read`]; permanent, too, if all attachments together have more bytes than a mail may have.
    pub(super) fn fetch(&mut self, files: &FileRoot) -> Result<(), Failure> {
        let inline = self.attachments.iter().map(|a| match &a.content {
            File::Bytes(bytes) => bytes.len(),
            File::Path(_) => 0,
        });
        let mut left = ATTACHMENT_BYTES_MAX.saturating_sub(inline.sum());
        for attachment in &mut self.attachments {
            if let File::Path(path) = &attachment.content {
                let bytes = files.read(path, left)?;
                left -= bytes.len();
                attachment.content = File::Bytes(bytes);
            }
        }
        Ok(())
    }
}

/// Reads a payload; `sender` is from whom a mail comes that does not say, beneath `files` lie attachments with a path.
///
/// # Errors
///
/// Every wrong field.
pub(super) fn read(
    payload: &EmailPayload,
    sender: Option<&Mailbox>,
    files: &FileRoot,
) -> Result<Mail, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let many = |field: Option<&OneOrMany>, pointer: &str, wrong: &mut Vec<Wrong>| {
        field.map_or_else(Vec::new, |f| f.mailboxes(pointer, wrong))
    };
    let recipients = [Some(&payload.to), payload.cc.as_ref(), payload.bcc.as_ref()];
    let count: usize = recipients.into_iter().flatten().map(OneOrMany::len).sum();
    if payload.to.len() == 0 {
        wrong.push(Wrong::new("/to", "at least one address is needed"));
    }
    if count > RECIPIENTS_MAX {
        let detail = format!(
            "{count} recipients are too many: `to`, `cc` and `bcc` may have {RECIPIENTS_MAX} together; submit several jobs"
        );
        wrong.push(Wrong::new("/to", detail));
    }
    if payload.reply_to.as_ref().map_or(0, OneOrMany::len) > REPLY_TO_MAX {
        let detail = format!("at most {REPLY_TO_MAX} addresses");
        wrong.push(Wrong::new("/reply_to", detail));
    }
    let to = many(Some(&payload.to), "/to", &mut wrong);
    let cc = many(payload.cc.as_ref(), "/cc", &mut wrong);
    let bcc = many(payload.bcc.as_ref(), "/bcc", &mut wrong);
    let reply_to = many(payload.reply_to.as_ref(), "/reply_to", &mut wrong);
    let from = from(payload.from.as_deref(), sender, &mut wrong);
    if let Some(detail) = line(&payload.subject) {
        wrong.push(Wrong::new("/subject", detail));
    }
    let content = content(payload, &mut wrong);
    let attachments = attachments(&payload.attachments, files, &mut wrong);
    let headers = headers(payload, &mut wrong);
    match (from, content) {
        (Some(from), Some(content)) if wrong.is_empty() => Ok(Mail {
            from,
            to,
            cc,
            bcc,
            reply_to,
            subject: payload.subject.clone(),
            content,
            attachments,
            headers,
        }),
        _ => Err(wrong),
    }
}

fn from(
    written: Option<&str>,
    sender: Option<&Mailbox>,
    wrong: &mut Vec<Wrong>,
) -> Option<Mailbox> {
    let Some(text) = written else {
        if sender.is_none() {
            let detail = "is needed, since this daemon's MAILFROM is not set";
            wrong.push(Wrong::new("/from", detail));
        }
        return sender.cloned();
    };
    address::mailbox(text)
        .map_err(|detail| wrong.push(Wrong::new("/from", detail)))
        .ok()
}

fn content(payload: &EmailPayload, wrong: &mut Vec<Wrong>) -> Option<Content> {
    for (pointer, text) in [("/body", &payload.body), ("/html", &payload.html)] {
        if text.as_ref().is_some_and(|t| t.contains('\0')) {
            wrong.push(Wrong::new(pointer, "must not hold U+0000"));
        }
    }
    match (payload.body.clone(), payload.html.clone()) {
        (Some(text), Some(html)) => Some(Content::Both { text, html }),
        (Some(text), None) => Some(Content::Text(text)),
        (None, Some(html)) => Some(Content::Html(html)),
        (None, None) => {
            wrong.push(Wrong::new("/body", "`body` or `html` is needed, or both"));
            None
        }
    }
}

fn attachments(
    written: &[EmailAttachment],
    files: &FileRoot,
    wrong: &mut Vec<Wrong>,
) -> Vec<Attachment> {
    if written.len() > ATTACHMENTS_MAX {
        let detail = format!("at most {ATTACHMENTS_MAX} attachments");
        wrong.push(Wrong::new("/attachments", detail));
        return Vec::new();
    }
    let read: Vec<_> = written
        .iter()
        .enumerate()
        .filter_map(|(i, a)| attachment(a, files, &format!("/attachments/{i}"), wrong))
        .collect();
    let sizes = read.iter().map(|a| match &a.content {
        File::Bytes(bytes) => bytes.len(),
        // Its size is asked when it is read: the file may come later than the job.
        File::Path(_) => 0,
    });
    let bytes: usize = sizes.sum();
    if bytes > ATTACHMENT_BYTES_MAX {
        let detail = format!("{bytes} bytes are too many: {ATTACHMENT_BYTES_MAX} are the most");
        wrong.push(Wrong::new("/attachments", detail));
    }
    read
}

fn attachment(
    written: &EmailAttachment,
    files: &FileRoot,
    pointer: &str,
    wrong: &mut Vec<Wrong>,
) -> Option<Attachment> {
    let before = wrong.len();
    let mut say = |field: &str, detail: &str| {
        wrong.push(Wrong::new(format!("{pointer}{field}"), detail));
    };
    let filename = written.filename.as_str();
    if filename.is_empty() || filename.len() > FILENAME_BYTES_MAX {
        say("/filename", "must have 1 to 255 bytes");
    } else if filename.chars().any(char::is_control) || filename.contains(['/', '\\']) {
        let detail = "is a name, not a path: no slashes, line breaks or other control characters";
        say("/filename", detail);
    }
    let content_type = content_type(written.content_type.as_deref());
    if content_type.is_none() {
        let detail = "is not a media type that can be attached: `application/pdf`, say, is expected, \
                      and neither `multipart/` nor `message/`";
        say("/content_type", detail);
    }
    let content = match (&written.base64, &written.path) {
        (Some(text), None) => match STANDARD.decode(text) {
            Ok(bytes) => Some(File::Bytes(bytes)),
            Err(err) => {
                say("/base64", &format!("is not base64 (RFC 4648): {err}"));
                None
            }
        },
        (None, Some(path)) => match files.check(path) {
            Ok(()) => Some(File::Path(path.clone())),
            Err(detail) => {
                say("/path", &detail);
                None
            }
        },
        (None, None) => {
            say("", "`base64`, the content, or `path`, a file, is needed");
            None
        }
        (Some(_), Some(_)) => {
            say("/path", "write `base64` or `path`, not both");
            None
        }
    };
    if wrong.len() > before {
        return None;
    }
    Some(Attachment {
        filename: filename.to_owned(),
        content_type: content_type?,
        content: content?,
    })
}

fn content_type(written: Option<&str>) -> Option<ContentType> {
    let text = written.unwrap_or("application/octet-stream");
    // The parts of a `multipart/` or `message/` may not be base64 (RFC 2045, 6.4), which every attachment is.
    let whole = text.trim_start().to_ascii_lowercase();
    let fits = text.len() <= FILENAME_BYTES_MAX
        && text.is_ascii()
        && !text.chars().any(char::is_control)
        && !whole.starts_with("multipart/")
        && !whole.starts_with("message/");
    fits.then(|| ContentType::parse(text).ok()).flatten()
}

fn headers(payload: &EmailPayload, wrong: &mut Vec<Wrong>) -> Vec<(HeaderName, String)> {
    if payload.headers.len() > HEADERS_MAX {
        wrong.push(Wrong::new(
            "/headers",
            format!("at most {HEADERS_MAX} headers"),
        ));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut read = Vec::new();
    for (name, value) in &payload.headers {
        let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let lower = name.to_ascii_lowercase();
        let detail = if !is_header_name(name) {
            Some("the name of a header has 1 to 76 of `A-Z a-z 0-9 -`".to_owned())
        } else if RESERVED.contains(&lower.as_str())
            || lower.starts_with("content-")
            || lower.starts_with("resent-")
        {
            Some("cannot be set here: the mail's own fields make it".to_owned())
        } else if !seen.insert(lower) {
            Some("stands twice: upper and lower case are the same here".to_owned())
        } else {
            line(value)
        };
        match (detail, HeaderName::new_from_ascii(name.clone())) {
            (None, Ok(name)) => read.push((name, value.clone())),
            (detail, _) => wrong.push(Wrong::new(
                pointer,
                detail.unwrap_or_else(|| "is not the name of a header".to_owned()),
            )),
        }
    }
    read
}

/// lettre refuses only colons and spaces: with a line break in it, a name could begin a header of its own.
fn is_header_name(name: &str) -> bool {
    (1..=HEADER_NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// What is wrong with `text` as one line of a header.
fn line(text: &str) -> Option<String> {
    if text.len() > HEADER_BYTES_MAX {
        Some(format!("may have {HEADER_BYTES_MAX} bytes"))
    } else if text.chars().any(|c| c.is_control() && c != '\t') {
        Some("must be one line, without line breaks or other control characters".to_owned())
    } else {
        None
    }
}
