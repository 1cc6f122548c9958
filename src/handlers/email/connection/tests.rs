//! A connection against the other end of it, encrypted and not.

use std::net::{SocketAddr, TcpListener};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;
use crate::job::{JobId, Timestamp};
use crate::threads::spawn;

const AUTHORITY: &[u8] = include_bytes!("../../../../tests/suite/support/tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/suite/support/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../../../tests/suite/support/tls/server.key");

fn context(limit: Duration) -> Context {
    let id = JobId::mint(Timestamp::from_micros(1), 1);
    Context::new(id, 1, Instant::now() + limit)
}

/// A configuration that trusts `authorities` and nobody else.
fn trusting(authorities: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pem in authorities {
        let authority = CertificateDer::from_pem_slice(pem).expect("a certificate");
        roots.add(authority).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Takes one connection, encrypts it from the first byte, greets, and answers one line.
fn serve_encrypted() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate")],
            PrivateKeyDer::from_pem_slice(KEY).expect("a key"),
        )
        .expect("key and certificate fit");
    spawn("tls server", move || {
        let (socket, _) = listener.accept().expect("a client");
        let tls = ServerConnection::new(Arc::new(config)).expect("a configuration");
        let mut stream = StreamOwned::new(tls, socket);
        // A client that does not trust us goes away here.
        let served = stream.write_all(b"220 hello\r\n").and_then(|()| {
            let mut line = [0; 6];
            stream.read_exact(&mut line)?;
            stream.write_all(b"250 heard\r\n")
        });
        drop((served, stream));
    })
    .expect("a thread");
    addr
}

fn greet(host: &str, trust: &Arc<ClientConfig>) -> Result<Response, Trouble> {
    let context = context(Duration::from_secs(30));
    let patience = Patience::of(&context);
    let mut connection = Connection::open("127.0.0.1", serve_encrypted().port(), patience)?;
    connection.encrypt(trust, host, patience)?;
    connection.reply(STEP, patience)?;
    connection.say("NOOP\r\n", patience)
}

#[test]
fn an_encrypted_connection_carries_lines_both_ways() {
    for host in ["localhost", "127.0.0.1"] {
        let reply = greet(host, &trusting(&[AUTHORITY])).expect("a reply");
        assert_eq!(reply.first_line(), Some("heard"));
    }
}

#[test]
fn a_server_that_nobody_vouches_for_or_of_another_name_is_not_spoken_to() {
    for (host, trust) in [
        ("localhost", trusting(&[])),
        ("mail.example.org", trusting(&[AUTHORITY])),
    ] {
        let trouble = greet(host, &trust).expect_err(host);
        let Trouble::Broken(err) = trouble else {
            panic!("{host}: {trouble:?}");
        };
        assert!(err.to_string().contains("certificate"), "{host}: {err}");
    }
}

/// Both sides of the encryption see the same bytes, so what lies in the buffer when it begins came in the clear.
#[test]
fn what_was_said_in_the_clear_is_not_heard_as_encrypted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let context = context(Duration::from_secs(30));
    let patience = Patience::of(&context);
    let mut connection = Connection::open("127.0.0.1", port, patience).expect("connected");
    let (mut server, _) = listener.accept().expect("a client");
    server
        .write_all(b"220 go ahead\r\n250 injected\r\n")
        .expect("written");
    connection.reply(STEP, patience).expect("a reply");
    let trouble = connection
        .encrypt(&trusting(&[AUTHORITY]), "localhost", patience)
        .expect_err("refused");
    assert!(
        format!("{trouble:?}").contains("before the encryption"),
        "{trouble:?}"
    );
}

#[test]
fn a_silent_handshake_ends_with_the_time_of_the_job() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let context = context(Duration::from_millis(300));
    let patience = Patience::of(&context);
    let mut connection = Connection::open("127.0.0.1", port, patience).expect("connected");
    let trouble = connection
        .encrypt(&trusting(&[AUTHORITY]), "localhost", patience)
        .expect_err("nobody answers");
    assert!(matches!(trouble, Trouble::Broken(err) if err.kind() == ErrorKind::TimedOut));
}
