//! Private Redis and PostgreSQL servers, which may be killed, stopped and started again.

mod postgres;
mod redis;

pub use postgres::Postgres;
pub use redis::Redis;

/// The servers are what most tests stand on, so they are tried first: a failure here explains all others.
mod tests {
    use super::*;

    #[test]
    fn a_durable_redis_comes_back_with_what_it_had() {
        let mut server = Redis::start_durable();
        ::redis::cmd("SET")
            .arg("a")
            .arg("1")
            .exec(&mut server.client())
            .expect("the server takes it");
        server.kill();
        server.restart();
        let found: String = ::redis::cmd("GET")
            .arg("a")
            .query(&mut server.client())
            .expect("the server has it");
        assert_eq!(found, "1");
    }

    #[test]
    fn a_postgres_comes_back_with_what_it_had() {
        let mut server = Postgres::start();
        let url = server.fresh_database();
        server
            .client(&url)
            .batch_execute("CREATE TABLE a (b int); INSERT INTO a VALUES (1)")
            .expect("the server takes it");
        server.kill();
        server.restart();
        let found: i32 = server
            .client(&url)
            .query_one("SELECT b FROM a", &[])
            .expect("the server has it")
            .get(0);
        assert_eq!(found, 1);
    }
}
