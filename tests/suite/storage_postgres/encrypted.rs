//! Each sslmode against a server whose certificate is for `localhost` and 127.0.0.1, signed by an authority of the tests.

use windlass::storage::postgres::PostgresStorage;
use windlass::storage::{Storage, StorageError};

use crate::support::daemon::free_addr;
use crate::support::servers::Postgres;

/// Folder of the tests' certificates.
const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/support/tls");

/// The role `certified` may only come by TLS and with a certificate that the authority signed.
const HBA: &str = "local all all trust\n\
                   hostssl all certified 127.0.0.0/8 trust clientcert=verify-ca\n\
                   host all certified 127.0.0.0/8 reject\n\
                   host all all 127.0.0.0/8 trust";

struct Server {
    postgres: Postgres,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let port = free_addr().port();
        let postgres = Postgres::start_with(&[
            "listen_addresses=127.0.0.1,127.0.0.2",
            &format!("port={port}"),
        ]);
        Self { postgres, port }
    }

    fn encrypted() -> Self {
        let server = Self::start();
        let mut client = server.admin();
        // Written by the server itself, so that the files are its own: it refuses a key that others could read.
        for (file, text) in [
            ("server.crt", include_str!("../support/tls/server.pem")),
            ("server.key", include_str!("../support/tls/server.key")),
            ("root.crt", include_str!("../support/tls/authority.pem")),
            ("pg_hba.conf", HBA),
        ] {
            client
                .batch_execute(&format!(
                    "COPY (SELECT unnest(string_to_array('{text}', E'\\n'))) TO PROGRAM 'umask 077; cat > {file}'"
                ))
                .expect("a superuser may");
        }
        for setting in ["ssl = on", "ssl_ca_file = 'root.crt'"] {
            client
                .batch_execute(&format!("ALTER SYSTEM SET {setting}"))
                .expect("good SQL");
        }
        client
            .batch_execute("CREATE ROLE certified LOGIN SUPERUSER; SELECT pg_reload_conf()")
            .expect("good SQL");
        server.await_encryption();
        server
    }

    fn await_encryption(&self) {
        let what = "the server has read its certificate";
        crate::support::wait::wait_until(what, crate::support::wait::PATIENCE, || {
            match self.ask("localhost", "postgres", "sslmode=require") {
                Ok(true) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }

    /// A client by the socket.
    fn admin(&self) -> postgres::Client {
        self.postgres.client(&self.postgres.url())
    }

    /// Whether a storage that comes with these options is encrypted, or why there is none.
    fn ask(&self, host: &str, user: &str, options: &str) -> Result<bool, StorageError> {
        let mut client = self.admin();
        // A name of its own: connections of a storage that was asked before may still be closing.
        let name = format!("asks-{:016x}", fastrand::u64(..));
        let url = format!(
            "postgres://{user}@{host}:{}/postgres?application_name={name}&{options}",
            self.port
        );
        let storage = PostgresStorage::open(&url)?;
        storage.check()?;
        let row = client.query_one(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1",
            &[&name],
        );
        Ok(row.expect("a good query").get(0))
    }
}

fn reason(answer: Result<bool, StorageError>) -> String {
    answer.expect_err("it must be refused").to_string()
}

#[test]
fn each_sslmode_trusts_what_it_says() {
    let server = Server::encrypted();
    let ask = |host, options: &str| server.ask(host, "postgres", options);
    let rooted = |mode: &str| format!("sslmode={mode}&sslrootcert={TLS}/authority.pem");

    // Silence, and `disable`: in plain on this host.
    assert!(!ask("localhost", "").expect("it answers"));
    assert!(!ask("localhost", "sslmode=disable").expect("it answers"));
    // Whoever it is, but encrypted.
    assert!(ask("127.0.0.2", "sslmode=prefer").expect("it answers"));
    assert!(ask("127.0.0.2", "sslmode=require").expect("it answers"));
    // Signed by the authority, for the name.
    assert!(ask("localhost", &rooted("verify-full")).expect("it answers"));
    assert!(ask("127.0.0.1", &rooted("verify-full")).expect("it answers"));
    // For another name, which `verify-ca` does not mind.
    assert!(ask("127.0.0.2", &rooted("verify-ca")).expect("it answers"));
    assert!(ask("127.0.0.2", &rooted("require")).expect("it answers"));
    let named = reason(ask("127.0.0.2", &rooted("verify-full")));
    assert!(named.contains("not valid for name"), "{named}");
    // Signed by somebody whom the system does not know.
    for mode in ["sslmode=verify-full", "sslmode=verify-ca"] {
        let unknown = reason(ask("localhost", mode));
        assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    }
}

#[test]
fn a_certificate_of_our_own_is_shown() {
    let server = Server::encrypted();
    let identity = format!("sslmode=require&sslcert={TLS}/server.pem&sslkey={TLS}/server.key");
    assert!(
        server
            .ask("localhost", "certified", &identity)
            .expect("it answers")
    );
    let without = reason(server.ask("localhost", "certified", "sslmode=require"));
    assert!(without.contains("certificate"), "{without}");
    let swapped = format!("sslmode=require&sslcert={TLS}/server.key&sslkey={TLS}/server.pem");
    let swapped = reason(server.ask("localhost", "certified", &swapped));
    assert!(swapped.contains("sslcert"), "{swapped}");
}

#[test]
fn a_server_without_a_certificate_is_refused_where_one_is_required() {
    let server = Server::start();
    let refused = reason(server.ask("localhost", "postgres", "sslmode=require"));
    assert!(refused.contains("does not support TLS"), "{refused}");
    assert!(
        !server
            .ask("localhost", "postgres", "sslmode=prefer")
            .expect("it answers")
    );
}
