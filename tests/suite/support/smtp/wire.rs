//! The line to a client of the mail server, or of the one of webhooks.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use windlass::threads::Stop;

/// A socket, encrypted or not, whose reads wait in slices and end when the test does.
pub(in crate::support) struct Wire {
    stream: Stream,
    stop: Stop,
}

enum Stream {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    /// A socket as it comes, with a read timeout of one slice.
    pub(in crate::support) fn plain(socket: TcpStream, stop: Stop) -> Self {
        Self {
            stream: Stream::Plain(socket),
            stop,
        }
    }

    /// The same socket, encrypted from here on.
    pub(in crate::support) fn encrypted(self) -> Self {
        let Stream::Plain(socket) = self.stream else {
            panic!("a client that asks for STARTTLS within TLS");
        };
        let tls = ServerConnection::new(identity()).expect("a good configuration");
        Self {
            stream: Stream::Encrypted(Box::new(StreamOwned::new(tls, socket))),
            stop: self.stop,
        }
    }

    fn patiently<T>(&mut self, mut act: impl FnMut(&mut Stream) -> io::Result<T>) -> io::Result<T> {
        loop {
            match act(&mut self.stream) {
                Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.stop.is_stopped() {
                        return Err(ErrorKind::Interrupted.into());
                    }
                }
                done => return done,
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.patiently(|stream| match stream {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Encrypted(tls) => tls.read(buffer),
        });
        match read {
            // `read_line` would try again for ever.
            Err(err) if err.kind() == ErrorKind::Interrupted && self.stop.is_stopped() => Ok(0),
            read => read,
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|stream| match stream {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Encrypted(tls) => tls.write(bytes),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.patiently(|stream| match stream {
            Stream::Plain(socket) => socket.flush(),
            Stream::Encrypted(tls) => tls.flush(),
        })
    }
}

/// Who the server is, for those who trust [`authority`].
fn identity() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../tls/server.pem"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../tls/server.key"));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        );
    Arc::new(config.expect("key and certificate fit"))
}
