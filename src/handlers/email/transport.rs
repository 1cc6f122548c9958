//! Where mails go: to the server, or into the folder, that SMTPURL names.

use std::io::Write;
use std::path::{Path, PathBuf};

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use url::Url;

use super::connection;
use super::message::Letter;
use super::smtp::{Server, Smtp, Tls};
use crate::handlers::{Context, Failure};

/// Where mails go.
#[derive(Debug)]
pub(super) enum Transport {
    /// A mail server.
    Smtp(Smtp),
    /// A folder, in which each mail is a file named by its job: for trying things out.
    Folder(PathBuf),
}

const EXPECTED: &str = "smtp://host:25, smtp://user:password@host:587?tls=required, smtps://user:password@host:465 \
     or file:///folder is expected";

impl Transport {
    /// Reads SMTPURL: `smtp://` or `smtps://`, user and password percent-encoded, a path (`/name`) for the name to say
    /// hello with, `?tls=required` or `?tls=opportunistic` for STARTTLS; or `file:///folder`. At most `idle_max`
    /// connections are kept open.
    ///
    /// # Errors
    ///
    /// What is wrong with it. The URL itself is not repeated: it may hold a password.
    pub(super) fn from_url(url: &str, idle_max: usize) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|err| format!("is not a URL ({err}): {EXPECTED}"))?;
        match url.scheme() {
            "smtp" | "smtps" => server(&url).map(|server| Self::Smtp(Smtp::new(server, idle_max))),
            "file" => match url.to_file_path() {
                Ok(folder) if url.query().is_none() => Ok(Self::Folder(folder)),
                _ => Err(format!("is not the URL of a folder here: {EXPECTED}")),
            },
            scheme => Err(format!("`{scheme}://` is not known: {EXPECTED}")),
        }
    }

    /// Sends a letter; answers with the last word of the server, or where the file lies.
    ///
    /// # Errors
    ///
    /// What the job should answer.
    pub(super) fn send(&self, letter: &Letter, context: &Context) -> Result<String, Failure> {
        match self {
            Self::Smtp(smtp) => smtp.send(letter, context),
            Self::Folder(folder) => {
                let path = folder.join(format!("{}.eml", letter.id));
                put(folder, &path, &letter.text).map_err(|err| {
                    Failure::retry(format!("cannot write {}: {err}", path.display()))
                })?;
                Ok(format!("written to {}", path.display()))
            }
        }
    }
}

/// Nobody who looks into the folder ever sees half a mail, and a repeat takes the place of the first.
fn put(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn server(url: &Url) -> Result<Server, String> {
    let host = url
        .host_str()
        .filter(|h| !h.is_empty())
        .ok_or_else(|| format!("has no host: {EXPECTED}"))?;
    // An IPv6 address stands in brackets in a URL and nowhere else.
    let host = host.trim_matches(['[', ']']).to_owned();
    let (tls, port) = tls(url)?;
    let credentials = credentials(url)?;
    let local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    if credentials.is_some() && tls == Tls::None && !local {
        return Err(
            "would send its password in the clear: add `?tls=required`, or write smtps://"
                .to_owned(),
        );
    }
    let hello = match url.path().trim_matches('/') {
        "" => ClientId::default(),
        name if name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.[]:".contains(&b)) =>
        {
            ClientId::Domain(name.to_owned())
        }
        _ => return Err("its path, the name to say hello with, is not a host's name".to_owned()),
    };
    let trust = match tls {
        Tls::None => None,
        _ => Some(connection::trust()?),
    };
    Ok(Server {
        port: url.port().unwrap_or(port),
        host,
        tls,
        trust,
        credentials,
        hello,
    })
}

/// How the URL wants the connection encrypted, and the port where that is usual.
fn tls(url: &Url) -> Result<(Tls, u16), String> {
    let mut written = None;
    for (key, value) in url.query_pairs() {
        if key != "tls" || written.is_some() {
            return Err(format!("`{key}` is not known here: only one `tls` is"));
        }
        written = Some(value);
    }
    match (url.scheme(), written.as_deref()) {
        ("smtps", None) => Ok((Tls::Wrapped, 465)),
        ("smtps", Some(_)) => Err("smtps:// is always encrypted: leave `tls` out".to_owned()),
        (_, None) => Ok((Tls::None, 25)),
        (_, Some("required")) => Ok((Tls::Required, 587)),
        (_, Some("opportunistic")) => Ok((Tls::Opportunistic, 587)),
        (_, Some(_)) => Err("`tls` is `required` or `opportunistic`".to_owned()),
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, String> {
    let decode = |text: &str| {
        percent_decode_str(text)
            .decode_utf8()
            .map(String::from)
            .map_err(|_| "its user or password is not UTF-8".to_owned())
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err("needs both a user and a password, or neither".to_owned()),
        (user, Some(password)) => Ok(Some(Credentials::new(decode(user)?, decode(password)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Server {
        match Transport::from_url(url, 1) {
            Ok(Transport::Smtp(smtp)) => smtp.into_server(),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn urls_of_servers_are_read() {
        let server = read("smtp://mail.example.org");
        assert_eq!(
            (server.host.as_str(), server.port),
            ("mail.example.org", 25)
        );
        assert_eq!((server.tls, server.credentials), (Tls::None, None));
        let server = read("smtps://us%40er:p%3Ass@mail.example.org/worker.example.org");
        assert_eq!((server.tls, server.port), (Tls::Wrapped, 465));
        assert_eq!(
            server.credentials,
            Some(Credentials::new("us@er".to_owned(), "p:ss".to_owned()))
        );
        assert_eq!(server.hello.to_string(), "worker.example.org");
        assert_eq!(read("smtp://[::1]:2525?tls=required").host, "::1");
        assert_eq!(read("smtp://a.example?tls=opportunistic").port, 587);
    }

    #[test]
    fn a_wrong_url_is_refused_without_its_password() {
        for url in [
            "mail.example.org:25",
            "http://user:secret@mail.example.org",
            "smtp://user:secret@mail.example.org",
            "smtp://user@mail.example.org?tls=required",
            "smtp://:secret@mail.example.org?tls=required",
            "smtp://mail.example.org?tls=maybe",
            "smtp://mail.example.org?ssl=required",
            "smtps://user:secret@mail.example.org?tls=required",
            "smtp://mail.example.org/a%0D%0Ab",
            "smtp://",
            "file://elsewhere/folder",
        ] {
            let err = Transport::from_url(url, 1).expect_err(url);
            assert!(!err.contains("secret"), "{url}: {err}");
        }
    }

    #[test]
    fn a_password_may_go_in_the_clear_to_this_host_only() {
        assert!(Transport::from_url("smtp://u:p@localhost:2525", 1).is_ok());
        assert!(Transport::from_url("smtp://u:p@127.0.0.1", 1).is_ok());
        assert!(Transport::from_url("smtp://u:p@127.0.0.1.example.org", 1).is_err());
    }
}
